# SPDX-License-Identifier: AGPL-3.0-only
"""What may be wrong with a set-up, in words. Each module here looks at one part of it.

A check reads and tries; it changes nothing and needs no network. It never shows a secret.
"""
