# SPDX-License-Identifier: AGPL-3.0-only
"""The service's numbers as Prometheus series; `docs/metrics.md` lists all of them."""
