// SPDX-License-Identifier: AGPL-3.0-only
// Notes in the flight page which fatal signal ends the process, on which thread, and who sent it.
#pragma once

#include "core/record/flight_page.h"

namespace sentiric {

// Once per process, before it has other threads. The signal then ends the process as it would have.
// Also replaces the terminate handler by one that writes the exception's type only: its text may
// hold text of a prompt.
void InstallCrashHandler(record::FlightPage* page);

// A stack overflow leaves no stack for the handler: threads that may overflow call this first.
// The alternate stack belongs to the calling thread and is freed with it.
void UseAlternateStack();

}  // namespace sentiric
