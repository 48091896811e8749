// SPDX-License-Identifier: AGPL-3.0-only
// Annotations that clang's thread safety analysis checks (`make lint-cpp`); other compilers ignore
// them.
#pragma once

#if defined(__clang__)
#define SENTIRIC_THREAD_ATTRIBUTE(...) __attribute__((__VA_ARGS__))
#else
#define SENTIRIC_THREAD_ATTRIBUTE(...)
#endif

// Of a class: it is a lock, or holds one as long as it lives.
#define CAPABILITY(name) SENTIRIC_THREAD_ATTRIBUTE(capability(name))
#define SCOPED_CAPABILITY SENTIRIC_THREAD_ATTRIBUTE(scoped_lockable)

// Of a member: touched only with the lock held.
#define GUARDED_BY(mutex) SENTIRIC_THREAD_ATTRIBUTE(guarded_by(mutex))

// Of a function: called with the lock held; takes it; releases it; returns it.
#define REQUIRES(...) SENTIRIC_THREAD_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define ACQUIRE(...) SENTIRIC_THREAD_ATTRIBUTE(acquire_capability(__VA_ARGS__))
#define RELEASE(...) SENTIRIC_THREAD_ATTRIBUTE(release_capability(__VA_ARGS__))
#define RETURN_CAPABILITY(mutex) SENTIRIC_THREAD_ATTRIBUTE(lock_returned(mutex))

// Of a function whose locking the analysis cannot follow; a comment beside it says why.
#define NO_THREAD_SAFETY_ANALYSIS SENTIRIC_THREAD_ATTRIBUTE(no_thread_safety_analysis)
