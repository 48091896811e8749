# SPDX-License-Identifier: AGPL-3.0-only
"""Stops with one line when this machine lacks what the build cannot install by itself.

Written for any Python 3, so that an old one is told apart from a broken one.
"""

import importlib.util
import os
import shutil
import sys
import sysconfig

missing = []
if sys.version_info < (3, 11):
    missing.append("Python >= 3.11, this is %s (make PYTHON=python3.12)" % sys.version.split()[0])
if importlib.util.find_spec("ensurepip") is None:
    missing.append("venv (Debian: apt-get install python3-venv)")
if not os.path.exists(os.path.join(sysconfig.get_paths()["include"], "Python.h")):
    missing.append("the Python headers (Debian: apt-get install python3-dev)")
if not any(map(shutil.which, (os.environ.get("CXX", "c++"), "g++", "clang++"))):
    missing.append("a C++ compiler (Debian: apt-get install build-essential)")
if missing:
    sys.exit("cannot build, please install: " + "; ".join(missing))
