// SPDX-License-Identifier: AGPL-3.0-only
#include "check.h"

int main(int argc, char** argv) { return check::Main(argc, argv); }
