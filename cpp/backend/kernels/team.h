// SPDX-License-Identifier: AGPL-3.0-only
// The threads that compute a product together.
#pragma once

#include <cstdint>

namespace sentiric::backend {

class Team {
 public:
  virtual ~Team() = default;
  virtual int index() const = 0;  // of the calling thread
  virtual int size() const = 0;
  virtual void StartChunks(int first) = 0;  // thread 0 calls it before Wait()
  virtual int NextChunk() = 0;
  virtual void Wait() = 0;  // until all threads have called it
};

// Calls compute(chunk) once for each chunk of [0, chunks), on any free thread. Waits for all
// threads before the first chunk, but not after the last.
template <class Compute>
void ShareChunks(Team* team, std::int64_t chunks, const Compute& compute) {
  if (team->index() == 0) team->StartChunks(team->size());
  team->Wait();
  for (std::int64_t chunk = team->index(); chunk < chunks; chunk = team->NextChunk())
    compute(chunk);
}

}  // namespace sentiric::backend
