# SPDX-License-Identifier: AGPL-3.0-only
"""The HTTP face: `app.build_app(service, settings)`."""
