// How the operations of a SimKernel get on when something has come or left.
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "tests/sim/kernel/sim_kernel.h"

namespace sluice {

void SimKernel::progress(Operation& operation) {
  if (!operation.submitted || operation.over) return;
  Socket& socket = socket_of(operation.fd);
  switch (operation.kind) {
    case Kind::kAccept: progress_accept(operation, socket); break;
    case Kind::kRecv: progress_recv(operation, socket); break;
    case Kind::kRecvInto: progress_recv_into(operation, socket); break;
    case Kind::kSend: progress_send(operation, socket); break;
    case Kind::kPoll:
      if (socket.end->hung_up()) finish(operation, POLLRDHUP);
      break;
    case Kind::kConnect: break;
  }
}

void SimKernel::progress_accept(Operation& operation, Socket& socket) {
  Prng& prng = net_->prng();
  while (!operation.over && !socket.backlog.empty()) {
    if (chance(prng, faults_.accept_fails)) {
      finish(operation, chance(prng, 500) ? -EMFILE : -ECONNABORTED);
      return;
    }
    Socket& accepted = make_socket();
    accepted.end = socket.backlog.front();
    socket.backlog.pop_front();
    by_end_[accepted.end->id()] = accepted.fd;
    accepted.end->watch(this);
    const bool more = !chance(prng, faults_.multishot_ends);
    if (!more) ++counters_.multishot_ends;
    add(operation, Completion{.result = accepted.fd, .more = more, .slice = {}});
  }
}

// True when the peer's end or reset ended the receive.
bool SimKernel::ends(Operation& operation, Socket& socket) {
  if (!socket.end->readable().empty()) return false;
  if (socket.end->broken() && !socket.reset_told) {
    socket.reset_told = true;
    finish(operation, -ECONNRESET);
  } else if (socket.end->broken() || socket.end->at_end()) {
    finish(operation, 0);
  }
  return operation.over;
}

void SimKernel::progress_recv(Operation& operation, Socket& socket) {
  Prng& prng = net_->prng();
  while (!operation.over && !ends(operation, socket)) {
    std::string_view bytes = socket.end->readable();
    if (bytes.empty()) return;
    if (buffers_.free_count() == 0) {
      starve(operation);
      return;
    }
    if (chance(prng, faults_.short_read)) {
      ++counters_.short_reads;
      bytes = bytes.substr(0, between(prng, 1, bytes.size()));
    }
    Slice slice = buffers_.fill(bytes);
    std::size_t used = slice.size();
    const bool wrong = chance(prng, 5);  // where the kernel has a bug
    if (wrong && bug_ == SimBug::kByteTwice) --used;
    if (wrong && bug_ == SimBug::kByteLost && used < socket.end->readable().size()) ++used;
    socket.end->consume(used);
    const bool more = !chance(prng, faults_.multishot_ends);
    if (!more) ++counters_.multishot_ends;
    const auto result = static_cast<std::int32_t>(slice.size());
    add(operation, Completion{.result = result, .more = more, .slice = std::move(slice)});
  }
}

void SimKernel::progress_recv_into(Operation& operation, Socket& socket) {
  if (ends(operation, socket)) return;
  const std::string_view bytes = socket.end->readable();
  if (bytes.empty()) return;
  std::size_t count = std::min(bytes.size(), operation.target.size());
  if (chance(net_->prng(), faults_.short_read)) count = between(net_->prng(), 1, count);
  std::memcpy(operation.target.data(), bytes.data(), count);
  socket.end->consume(count);
  finish(operation, static_cast<std::int32_t>(count));
}

void SimKernel::progress_send(Operation& operation, Socket& socket) {
  const std::size_t total = operation.sent.size();
  if (socket.end->broken() || socket.writes_shut) {
    const auto done = static_cast<std::int32_t>(operation.done);
    finish(operation, done > 0 ? done : -EPIPE);
    return;
  }
  // Straight from the user's memory, which must not have changed since the send began.
  std::string now;
  for (std::size_t i = 0; i < operation.message->msg_iovlen; ++i) {
    const iovec& piece = operation.message->msg_iov[i];
    now.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
  }
  SL_ASSERT(now == operation.sent);
  std::size_t taken = 0;
  do {
    taken = socket.end->write(std::string_view(now).substr(operation.done));
    operation.done += taken;
  } while (taken > 0);
  if (operation.done == total) {
    finish(operation, static_cast<std::int32_t>(total));
  } else if (operation.done > 0 && chance(net_->prng(), faults_.short_send)) {
    ++counters_.short_sends;
    const bool wrong = bug_ == SimBug::kSendTakesTooMuch;
    finish(operation, static_cast<std::int32_t>(wrong ? total : operation.done));
  }
}

}  // namespace sluice
