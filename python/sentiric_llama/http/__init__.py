# SPDX-License-Identifier: AGPL-3.0-only
"""The HTTP API: `app.build_app(service, settings)`."""
