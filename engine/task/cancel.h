#pragma once

#include "base/error.h"
#include "base/intrusive_list.h"

namespace sluice {

// CancelHook - somebody who wants to know when an exchange is called off.
class CancelHook : public ListNode {
 public:
  // Called once, from CancelSource::request. Must not resume anybody, only make ready (INVARIANTS
  // T2).
  virtual void on_cancel(const Error& cause) noexcept = 0;

 protected:
  ~CancelHook() = default;
};

// CancelSource - the switch that calls off all waits of one exchange: the client has gone, the
// shard drains. Cancelling is asking: whoever has an operation in flight still awaits its
// completion.
//
// Affinity  one shard.
// Lifetime  longer than every hook in it.
class CancelSource {
 public:
  // The first request counts; later ones change nothing.
  void request(const Error& cause) noexcept {
    if (requested()) return;
    cause_ = cause;
    while (CancelHook* const hook = hooks_.pop_front()) hook->on_cancel(cause_);
  }
  [[nodiscard]] bool requested() const noexcept { return cause_.code != Errc::kOk; }
  [[nodiscard]] const Error& cause() const noexcept { return cause_; }

  void add(CancelHook& hook) noexcept { hooks_.push_back(hook); }

  // Makes the source fresh for the next exchange; nobody may be waiting.
  void reset() noexcept {
    SL_ASSERT(hooks_.empty());
    cause_ = Error{};
  }

 private:
  IntrusiveList<CancelHook> hooks_;
  Error cause_;
};

// CancelLink - calls off one source when another one is.
//
// Affinity  one shard. Lifetime: within that of both.
class CancelLink final : private CancelHook {
 public:
  CancelLink(CancelSource& from, CancelSource& to) noexcept : to_(to) {
    if (from.requested()) to.request(from.cause());
    else from.add(*this);
  }
  ~CancelLink() { unlink(); }
  CancelLink(const CancelLink&) = delete;
  CancelLink& operator=(const CancelLink&) = delete;

 private:
  void on_cancel(const Error& cause) noexcept override { to_.request(cause); }
  CancelSource& to_;
};

}  // namespace sluice
