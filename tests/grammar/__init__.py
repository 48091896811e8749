# SPDX-License-Identifier: AGPL-3.0-only
"""Random schemas against judges that share nothing with the schema compiler."""
