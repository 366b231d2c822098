#include "bench/canned_kernel.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <utility>

namespace sluice {
namespace {

std::size_t bytes_of(const msghdr& message) {
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < message.msg_iovlen; ++i) bytes += message.msg_iov[i].iov_len;
  return bytes;
}

std::string_view piece(const msghdr& message, std::size_t i) {
  return {static_cast<const char*>(message.msg_iov[i].iov_base), message.msg_iov[i].iov_len};
}

[[noreturn]] void not_for_us(const char* what) {
  std::fprintf(stderr, "canned_kernel: %s\n", what);
  std::abort();
}

}  // namespace

CannedKernel::CannedKernel(Plan plan)
    : plan_(std::move(plan)), request_(plan_.request), answer_(plan_.answer) {
  ready_.reserve(4 * plan_.clients);
  delivered_.reserve(4 * plan_.clients);
}

int CannedKernel::add_socket(Role role) {
  sockets_.push_back({.role = role});
  return static_cast<int>(sockets_.size()) - 1;
}

Result<int> CannedKernel::open_socket(int) { return add_socket(Role::kProvider); }

Result<int> CannedKernel::open_listener(const SocketAddress& address, int) {
  address_ = address;
  return add_socket(Role::kListener);
}

void CannedKernel::accept(int fd, Op& op) {
  op.started();
  sockets_[static_cast<std::size_t>(fd)].accept = &op;
  for (std::size_t i = 0; i < plan_.clients; ++i) {
    const int client = add_socket(Role::kClient);
    ready_.push_back({&op, client, true, nullptr});
    say(client);
  }
}

// The other side of `fd` says all that it has to say.
void CannedKernel::say(int fd) {
  Socket& socket = sockets_[static_cast<std::size_t>(fd)];
  if (socket.role == Role::kClient && ++asked_ > plan_.answers) return;
  Text& text = socket.role == Role::kClient ? request_ : answer_;
  socket.waiting = socket.recv == nullptr;
  if (!socket.waiting)
    ready_.push_back({socket.recv, static_cast<std::int32_t>(text.bytes.size()), true, &text});
}

void CannedKernel::recv(int fd, Op& op) {
  Socket& socket = sockets_[static_cast<std::size_t>(fd)];
  op.started();
  socket.recv = &op;
  if (!std::exchange(socket.waiting, false)) return;
  Text& text = socket.role == Role::kClient ? request_ : answer_;
  ready_.push_back({&op, static_cast<std::int32_t>(text.bytes.size()), true, &text});
}

void CannedKernel::recv_into(int, std::span<char>, Op&) { not_for_us("a read into own memory"); }

void CannedKernel::note_answer(int fd, const msghdr& message) {
  const std::string_view last = piece(message, message.msg_iovlen - 1);
  if (!piece(message, 0).starts_with("HTTP/1.1 200 OK\r\n") || !last.ends_with(plan_.answer_end))
    ++wrong_;
  ++answers_;
  say(fd);
}

void CannedKernel::send(int fd, msghdr& message, Op& op) {
  op.started();
  ready_.push_back({&op, static_cast<std::int32_t>(bytes_of(message)), false, nullptr});
  if (sockets_[static_cast<std::size_t>(fd)].role == Role::kClient) note_answer(fd, message);
  else say(fd);
}

void CannedKernel::connect(int, const SocketAddress&, Op& op) {
  op.started();
  ready_.push_back({&op, 0, false, nullptr});
}

void CannedKernel::poll(int fd, std::uint32_t, Op& op) {
  op.started();
  sockets_[static_cast<std::size_t>(fd)].poll = &op;
}

void CannedKernel::cancel(Op& op) {
  for (Socket& socket : sockets_) {
    for (Op** const place : {&socket.accept, &socket.recv, &socket.poll}) {
      if (*place != &op) continue;
      *place = nullptr;
      ready_.push_back({&op, -ECANCELED, false, nullptr});
    }
  }
}

// A peer that is told the end ends too.
void CannedKernel::shutdown_socket(int fd, int) {
  Socket& socket = sockets_[static_cast<std::size_t>(fd)];
  if (Op* const op = std::exchange(socket.recv, nullptr)) ready_.push_back({op, 0, false, nullptr});
}

void CannedKernel::close_socket(int fd) {
  const Socket& socket = sockets_[static_cast<std::size_t>(fd)];
  if (socket.accept != nullptr || socket.recv != nullptr || socket.poll != nullptr)
    not_for_us("closed with something in flight");
}

void CannedKernel::wake(Kernel& other) { static_cast<CannedKernel&>(other).woken_ = true; }

std::size_t CannedKernel::collect(Instant now, Instant until) {
  plan_.between(answers_);
  if (answers_ >= plan_.answers && plan_.ended) std::exchange(plan_.ended, {})();
  if (ready_.empty() && !woken_ && until > now) {
    constexpr Duration kNap = 1ms;  // only a timer is left to wait for
    std::this_thread::sleep_for(std::min<Duration>(until - now, kNap));
  }
  woken_ = false;
  delivered_.swap(ready_);
  for (const Ready& next : delivered_) {
    Completion completion{.result = next.result, .more = next.more, .slice = {}};
    if (next.text != nullptr) {
      completion.slice = Slice(*next.text, next.text->bytes.data(),
                               static_cast<std::uint32_t>(next.text->bytes.size()));
    }
    next.op->complete(std::move(completion));
  }
  const std::size_t count = delivered_.size();
  delivered_.clear();
  return count;
}

}  // namespace sluice
