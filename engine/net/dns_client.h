#pragma once

#include <string>

#include "engine/io/wait.h"
#include "engine/net/address_list.h"

struct ares_channeldata;

namespace sluice {

// DnsClient - asks name servers through c-ares, never blocking: its sockets are watched by polls of
// the shard's kernel, its timeouts by one of the shard's timers.
//
// Owns      the c-ares channel and its sockets. A socket that c-ares gives up is closed when its
//           poll has ended (INVARIANTS C2).
// Affinity  open() on the starting thread; from the first ask() on, one shard.
// Lifetime  cancel_all(), then idle(), then it may die (asserted).
// Cost      a query mallocs, inside c-ares.
class DnsClient {
 public:
  struct Options {
    // "127.0.0.1:5353,[::1]:53"; empty: those of resolv.conf.
    std::string servers;
    // The first try; each round over all servers waits twice as long: 4.5 s with one server, within
    // the five seconds that a connect has by default.
    Duration timeout = 1500ms;
    int tries = 2;
    // nullptr: /etc/resolv.conf.
    const char* resolv_conf = nullptr;
  };

  enum class Outcome : std::uint8_t { kAddresses, kNoSuchName, kNoAddress, kNoAnswer, kStopped };
  struct Answer {
    Outcome outcome = Outcome::kNoAnswer;
    std::int32_t os_errno = 0;  // kNoAnswer: ETIMEDOUT when nobody answered in time
    AddressList addresses;
    Duration ttl{};  // the smallest of all records, CNAMEs too
  };

  // Query - who asked. Lives until on_answer.
  class Query {
   public:
    // Called once, perhaps before ask() returns. Must not resume anybody, only make ready
    // (INVARIANTS T2); the query may die in it.
    virtual void on_answer(const Answer& answer) noexcept = 0;

   protected:
    ~Query() = default;
  };

  DnsClient() = default;
  ~DnsClient();
  DnsClient(const DnsClient&) = delete;
  DnsClient& operator=(const DnsClient&) = delete;

  // Reads resolv.conf, so: blocks. Empty, or a sentence for the operator.
  [[nodiscard]] std::string open(const Options& options);

  // Asks for the A and AAAA records of `name` (NUL-terminated, a HostName).
  void ask(Reactor& reactor, const char* name, Query& query);

  // Every query ends with kStopped; the sockets close as soon as their polls have ended.
  void cancel_all() noexcept;
  [[nodiscard]] bool idle() const noexcept { return sockets_.empty(); }

  // Idle - waits until no poll is in flight. One waiter at a time.
  class Idle final : private Wait {
   public:
    Idle(Reactor& reactor, DnsClient& client) noexcept
        : Wait(reactor, Limits{}, Side::kOurs), client_(&client) {}
    bool await_ready() const noexcept { return client_->idle(); }
    void await_suspend(std::coroutine_handle<> waiter) noexcept {
      SL_ASSERT(client_->idle_waiter_ == nullptr);
      client_->idle_waiter_ = this;
      suspend(waiter);
    }
    void await_resume() const noexcept {}

   private:
    friend class DnsClient;
    DnsClient* client_;
  };

 private:
  struct Glue;  // the callbacks that c-ares asks for

  // WatchedSocket - a socket of c-ares and the poll that watches it.
  struct WatchedSocket final : Op, ListNode {
    WatchedSocket(DnsClient& owner, int socket) noexcept : client(&owner), fd(socket) {}
    void on_completion(Completion completion) noexcept override {
      client->on_poll(*this, completion.result);
    }
    DnsClient* client;
    int fd;
    std::uint32_t wanted = 0;  // poll mask
    std::uint32_t armed = 0;   // of the poll in flight
    bool given_up = false;     // c-ares has closed it: close it when the poll has ended
  };
  struct Timeout final : Timer {
    explicit Timeout(DnsClient& owner) noexcept : client(&owner) {}
    void on_timer() noexcept override { client->process(-1, -1); }
    DnsClient* client;
  };

  void on_poll(WatchedSocket& socket, std::int32_t result) noexcept;
  void watch(int fd, std::uint32_t mask) noexcept;
  void give_up(int fd) noexcept;
  void arm(WatchedSocket& socket) noexcept;
  void release(WatchedSocket& socket) noexcept;
  void process(int readable_fd, int writable_fd) noexcept;
  void set_timeout() noexcept;
  [[nodiscard]] WatchedSocket* find(int fd) noexcept;

  ares_channeldata* channel_ = nullptr;
  Reactor* reactor_ = nullptr;
  IntrusiveList<WatchedSocket> sockets_;  // open ones, and those whose poll has to end yet
  Timeout timeout_{*this};
  Idle* idle_waiter_ = nullptr;
};

}  // namespace sluice
