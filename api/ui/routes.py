"""The pages of the dashboard, in the order in which their paths are tried."""

from __future__ import annotations

from api.ui import banks, sign_in

PAGES = (sign_in, banks)
