#pragma once

#include <cstddef>

#include "base/intrusive_list.h"
#include "engine/task/cancel.h"

namespace sluice {

// ConnectionSeats - how many connections the administrator's thread has at once. When all seats
// are taken, the connection that has been there longest without having shown the token makes room
// for a new one, so that nobody without it can keep out who has it.
//
// Affinity  one shard. Lifetime: longer than its seats.
class ConnectionSeats {
 public:
  // Seat - of one connection, until the connection dies. What it awaits is called off by `cut`.
  class Seat : private ListNode {
   public:
    Seat(ConnectionSeats& seats, CancelSource& all) : seats_(&seats), link_(all, cut_) {
      ++seats_->taken_;
      seats_->strangers_.push_back(*this);
    }
    ~Seat() {
      unlink();
      --seats_->taken_;
    }
    Seat(const Seat&) = delete;
    Seat& operator=(const Seat&) = delete;

    [[nodiscard]] CancelSource& cut() noexcept { return cut_; }
    // Who sits here has shown the token: keeps the seat.
    void keep() noexcept { unlink(); }

   private:
    friend class ConnectionSeats;
    friend class IntrusiveList<Seat>;
    ConnectionSeats* seats_;
    CancelSource cut_;
    CancelLink link_;
  };

  explicit ConnectionSeats(std::size_t max) noexcept : max_(max) {}

  // Before a seat is taken. False: all are kept, or those who were cut have not left yet.
  [[nodiscard]] bool make_room() noexcept {
    if (taken_ < max_) return true;
    if (taken_ >= 2 * max_) return false;
    Seat* const oldest = strangers_.pop_front();
    if (oldest == nullptr) return false;
    ++cut_;
    oldest->cut_.request(Error{.code = Errc::kCancelled, .side = Side::kOurs});
    return true;
  }

  [[nodiscard]] std::size_t taken() const noexcept { return taken_; }
  [[nodiscard]] std::size_t cut() const noexcept { return cut_; }  // so far, to make room

 private:
  IntrusiveList<Seat> strangers_;  // the oldest first
  std::size_t max_;
  std::size_t taken_ = 0;
  std::size_t cut_ = 0;
};

}  // namespace sluice
