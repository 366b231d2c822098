#pragma once

namespace sluice {

// WipedHeap - while one lives, what its thread gives back to the heap by delete is overwritten
// first: so that keys do not stay in the buffers of a library that parses them (INVARIANTS K1).
// What is still in use at its end is not: it belongs around the whole of the work. At its end the
// registers are cleared, too, and what calls that have returned left on the stack.
//
// A program that links this has an operator new and delete of its own, on malloc. Not so under a
// sanitizer, which has its own and keeps what was freed anyway: there this does nothing.
//
// Affinity  the thread that made it. May be nested.
class WipedHeap {
 public:
  WipedHeap() noexcept;
  ~WipedHeap();
  WipedHeap(const WipedHeap&) = delete;
  WipedHeap& operator=(const WipedHeap&) = delete;
};

}  // namespace sluice
