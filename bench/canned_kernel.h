#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/io/kernel.h"

namespace sluice {

// CannedKernel - a Kernel without an operating system: clients that each send the same request as
// soon as they have the answer to the last one, and a provider that answers each request with the
// same answer. What a shard does on it is user code alone.
//
// A request must leave in one send, and an answer too: whatever is larger than that is not for this
// kernel, and ends the program.
//
// Affinity  one thread.
// Lifetime  longer than the shard on it.
class CannedKernel final : public Kernel {
 public:
  struct Plan {
    std::size_t clients = 64;
    std::string request;          // head and body
    std::string answer;           // the provider's, head and body
    std::string answer_end;       // what each answer to a client ends with
    std::uint64_t answers = 0;    // then no client asks again
    std::function<void()> ended;  // called once, from collect(), when all have been given
    std::function<void(std::uint64_t answers)> between;  // called from collect(), between two turns
  };
  explicit CannedKernel(Plan plan);

  [[nodiscard]] std::uint64_t answers() const noexcept { return answers_; }
  // Answers that were no "200 OK", or ended otherwise.
  [[nodiscard]] std::uint64_t wrong() const noexcept { return wrong_; }

  Result<int> open_socket(int family) override;
  Result<int> open_listener(const SocketAddress& address, int backlog) override;
  Result<SocketAddress> local_address(int) override { return address_; }
  void shutdown_socket(int fd, int how) override;
  void close_socket(int fd) override;

  void accept(int fd, Op& op) override;
  void recv(int fd, Op& op) override;
  void recv_into(int fd, std::span<char> target, Op& op) override;
  void send(int fd, msghdr& message, Op& op) override;
  void connect(int fd, const SocketAddress& address, Op& op) override;
  void poll(int fd, std::uint32_t mask, Op& op) override;
  void cancel(Op& op) override;

  std::size_t collect(Instant now, Instant until) override;
  void set_gathering(bool) override {}
  bool has_unsubmitted() const override { return false; }
  bool has_completions() const override { return !ready_.empty(); }
  void wake(Kernel& other) override;

  std::size_t buffers_free() const override { return kBuffers; }
  std::size_t buffers_total() const override { return kBuffers; }
  std::string_view name() const override { return "canned"; }

 private:
  static constexpr std::size_t kBuffers = 256;  // never short of them

  // What is received, again and again: nobody writes there.
  struct Text final : SliceHome {
    explicit Text(std::string text) : SliceHome(true), bytes(std::move(text)) {}
    void on_unused() noexcept override {}
    std::string bytes;
  };
  enum class Role : std::uint8_t { kListener, kClient, kProvider };
  struct Socket {
    Role role;
    Op* accept = nullptr;  // these three while they are in flight
    Op* recv = nullptr;
    Op* poll = nullptr;
    bool waiting = false;  // bytes that nobody receives yet
    bool ended = false;    // by its peer
  };
  struct Ready {
    Op* op;
    std::int32_t result;
    bool more;
    Text* text;
  };

  int add_socket(Role role);
  void say(int fd);
  void note_answer(int fd, const msghdr& message);

  Plan plan_;
  Text request_;
  Text answer_;
  SocketAddress address_;
  std::vector<Socket> sockets_;  // by descriptor
  std::vector<Ready> ready_;
  std::vector<Ready> delivered_;
  std::uint64_t asked_ = 0;
  std::uint64_t answers_ = 0;
  std::uint64_t wrong_ = 0;
  bool woken_ = false;
};

}  // namespace sluice
