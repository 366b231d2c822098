#pragma once

#include <cstdint>

#include "engine/io/wait.h"
#include "engine/net/address_list.h"

namespace sluice {

// ConnectRace - connection attempts to the addresses of one host, of which the first that stands
// wins.
//
// Owns      the sockets of its attempts; each is closed when its attempt has ended and lost. The
//           winner is the caller's.
// Affinity  one shard. Lives in the frame of connect_any().
// Lifetime  call_off(), then wait until running() is 0, then it may die (asserted by Op).
// Size      some 1500 bytes.
class ConnectRace {
 public:
  static constexpr std::size_t kAttemptsMax = 8;
  // "Connection Attempt Delay" (RFC 8305 section 8).
  static constexpr Duration kStagger = 250ms;

  ConnectRace(Reactor& reactor, const AddressList& addresses, std::uint16_t port) noexcept;
  ConnectRace(const ConnectRace&) = delete;
  ConnectRace& operator=(const ConnectRace&) = delete;

  // Starts the attempts that are due: the first, the next after a failure or after kStagger.
  void start_due(Instant now) noexcept;
  // When start_due() has something to do; kNever when no address is left.
  [[nodiscard]] Instant next_start() const noexcept;

  // A connection stands, or nothing runs and no address is left.
  [[nodiscard]] bool decided() const noexcept;
  [[nodiscard]] std::size_t running() const noexcept { return running_; }

  // Asks that all running attempts end.
  void call_off() noexcept;

  // The descriptor, or the error of the last attempt that reached the network (else of the last).
  [[nodiscard]] Result<int> outcome() const noexcept;

  // Change - waits until an attempt ends; kOk, or why `limits` ended the wait.
  class Change final : private Wait {
   public:
    Change(ConnectRace& race, const Limits& limits) noexcept
        : Wait(*race.reactor_, limits, Side::kUpstream), race_(&race) {}
    bool await_ready() noexcept { return race_->changed_ || refused_at_start(); }
    void await_suspend(std::coroutine_handle<> waiter) noexcept {
      race_->waiter_ = this;
      suspend(waiter);
    }
    Error await_resume() noexcept {
      race_->waiter_ = nullptr;
      race_->changed_ = false;
      return cause();
    }

   private:
    friend class ConnectRace;
    ConnectRace* race_;
  };

 private:
  struct Attempt final : Op {
    void on_completion(Completion completion) noexcept override {
      race->ended(*this, completion.result);
    }
    ConnectRace* race = nullptr;
    int fd = -1;
    SocketAddress address;
  };
  void start(Attempt& attempt) noexcept;
  void ended(Attempt& attempt, std::int32_t result) noexcept;
  void note_failure(const Error& error) noexcept;

  Reactor* reactor_;
  Change* waiter_ = nullptr;
  Attempt attempts_[kAttemptsMax];
  std::size_t count_ = 0;
  std::size_t started_ = 0;
  std::size_t running_ = 0;
  Instant due_ = Instant::min();  // of the next attempt
  int winner_ = -1;
  Error failure_;
  bool changed_ = false;
  bool called_off_ = false;
};

}  // namespace sluice
