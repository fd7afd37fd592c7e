"""The pages of the dashboard, in the order in which their paths are tried."""

from __future__ import annotations

from api.ui import banks, distil, experiences, feedback, jobs, playground, review, sign_in

PAGES = (sign_in, banks, experiences, review, distil, playground, feedback, jobs)
