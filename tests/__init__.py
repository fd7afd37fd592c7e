"""Tests of ted, index and api: a package, so that `python -m tests.upstream` finds this one."""
