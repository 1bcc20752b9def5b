// How the C API reaches the running instance: the recorder through Entry, everything else through the instance.
#pragma once

#include "pipeline/instance.hpp"
#include "record/recorder.hpp"
#include "record/thread_state.hpp"

namespace trunkline::capi {

// Runs `call(Entry&)` for a call that begins something. In a forked child the first of these starts a fresh instance.
template <class Call>
auto recording(Call&& call) -> decltype(call(std::declval<record::Entry&>())) {
  {
    record::Entry entry;
    if (entry) return call(entry);
    if (record::Entry::reentrant()) return 0;
  }
  if (record::gate() == nullptr || !pipeline::Instance::restarted_after_fork()) return 0;
  record::Entry entry;
  return entry ? call(entry) : 0;
}

// Whether this thread is inside a hook of a processor.
inline bool in_hook(pipeline::Instance& instance) { return instance.registry().in_hook() != nullptr; }

// Whether a signal handler has interrupted a call of this thread.
inline bool interrupted_a_call() {
  const record::ThreadState* thread = record::this_thread;
  return thread != nullptr && thread->inside.load(std::memory_order_relaxed) != 0;
}

// What may not be called where the library itself is on the stack: TR_EREENTRANT there.
inline int refuse_inside() {
  if (interrupted_a_call()) return TR_EREENTRANT;
  return pipeline::Instance::processor_in_hook() != nullptr ? TR_EREENTRANT : TR_OK;
}

}  // namespace trunkline::capi
