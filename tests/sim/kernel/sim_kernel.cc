#include "tests/sim/kernel/sim_kernel.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "engine/net/address.h"

namespace sluice {
namespace {

constexpr int kFirstDescriptor = 100;  // so that a small number is no descriptor by accident
// Some seconds of a machine's time: a run of a few dozen exchanges takes some ten thousand.
constexpr std::uint64_t kTurnsMax = 3'000'000;

Error os_error(int os_errno) { return error_from_errno(os_errno, Side::kOurs); }

}  // namespace

SimKernel::SimKernel(SimNet& net, SimBug bug)
    : net_(&net),
      bug_(bug),
      faults_(net.faults()),
      buffers_(faults_.buffers, faults_.buffer_bytes, faults_.incremental_buffers) {}

SimKernel::~SimKernel() { SL_ASSERT(operations_.empty()); }

SimKernel::Socket& SimKernel::make_socket() {
  sockets_.push_back(std::make_unique<Socket>());
  Socket& socket = *sockets_.back();
  socket.kernel = this;
  // Numbers are never used again: whoever uses a closed one is found.
  socket.fd = kFirstDescriptor + static_cast<int>(sockets_.size()) - 1;
  ++open_descriptors_;
  return socket;
}

SimKernel::Socket& SimKernel::socket_of(int fd) {
  const auto index = static_cast<std::size_t>(fd - kFirstDescriptor);
  SL_ASSERT(fd >= kFirstDescriptor && index < sockets_.size());
  SL_ASSERT(sockets_[index]->open);
  return *sockets_[index];
}

Result<int> SimKernel::open_socket(int) {
  if (chance(net_->prng(), faults_.socket_fails)) return std::unexpected(os_error(EMFILE));
  return make_socket().fd;
}

Result<int> SimKernel::open_listener(const SocketAddress& address, int) {
  Socket& socket = make_socket();
  socket.address = address;
  socket.listens_at = address_text(address);
  net_->listen(socket.listens_at, &socket);
  return socket.fd;
}

Result<SocketAddress> SimKernel::local_address(int fd) { return socket_of(fd).address; }

void SimKernel::shutdown_socket(int fd, int how) {
  Socket& socket = socket_of(fd);
  SL_ASSERT(how == SHUT_WR && socket.end != nullptr);
  net_->log().note("shutdown", fd);
  socket.writes_shut = true;
  socket.end->finish();
}

void SimKernel::close_socket(int fd) {
  Socket& socket = socket_of(fd);
  SL_ASSERT(socket.operations.empty());  // INVARIANTS C2
  net_->log().note("close", fd);
  socket.open = false;
  --open_descriptors_;
  if (!socket.listens_at.empty()) {
    net_->listen(socket.listens_at, nullptr);
    for (SimEnd* const end : socket.backlog) end->reset();
    socket.backlog.clear();
  }
  if (socket.end == nullptr) return;
  by_end_.erase(socket.end->id());
  socket.end->close();
}

SimKernel::Operation& SimKernel::begin(Kind kind, int fd, Op& op) {
  Socket& socket = socket_of(fd);
  const auto is_receive = [](Kind k) { return k == Kind::kRecv || k == Kind::kRecvInto; };
  for (const Operation* const other : socket.operations) {
    SL_ASSERT(other->kind != kind);  // INVARIANTS C1
    SL_ASSERT(!is_receive(kind) || !is_receive(other->kind));
  }
  op.started();
  SL_ASSERT(!by_op_.contains(&op));
  const std::uint64_t id = next_id_++;
  Operation& operation = *(operations_[id] = std::make_unique<Operation>());
  operation.id = id;
  operation.kind = kind;
  operation.fd = fd;
  operation.op = &op;
  by_op_[&op] = id;
  socket.operations.push_back(&operation);
  submissions_.push_back({id, false});
  return operation;
}

void SimKernel::accept(int fd, Op& op) { begin(Kind::kAccept, fd, op); }
void SimKernel::recv(int fd, Op& op) { begin(Kind::kRecv, fd, op); }

// Whether the peer has hung up, for sockets that nobody reads: nothing else is asked.
void SimKernel::poll(int fd, std::uint32_t mask, Op& op) {
  SL_ASSERT(mask == POLLRDHUP);
  begin(Kind::kPoll, fd, op);
}

void SimKernel::recv_into(int fd, std::span<char> target, Op& op) {
  begin(Kind::kRecvInto, fd, op).target = target;
}

void SimKernel::send(int fd, msghdr& message, Op& op) {
  Operation& operation = begin(Kind::kSend, fd, op);
  operation.message = &message;
  for (std::size_t i = 0; i < message.msg_iovlen; ++i) {
    const iovec& piece = message.msg_iov[i];
    operation.sent.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
  }
  SL_ASSERT(!operation.sent.empty());
}

void SimKernel::connect(int fd, const SocketAddress& address, Op& op) {
  begin(Kind::kConnect, fd, op).address = address_text(address);
}

void SimKernel::cancel(Op& op) {
  const auto found = by_op_.find(&op);
  if (found == by_op_.end()) return;
  submissions_.push_back({found->second, true});
}

void SimKernel::wake(Kernel& other) {
  SimKernel& sleeper = static_cast<SimKernel&>(other);
  if (&other != this && chance(net_->prng(), faults_.slow_wake))
    net_->after(between(net_->prng(), 1us, faults_.wake_delay_max),
                [&sleeper] { sleeper.woken_ = true; });
  else sleeper.woken_ = true;
}

// What was asked for since the last collect(), in that order, as one system call hands it over.
void SimKernel::submit() {
  while (!submissions_.empty()) {
    const Submission next = submissions_.front();
    submissions_.pop_front();
    const auto found = operations_.find(next.id);
    if (found == operations_.end()) continue;  // a cancel that came too late
    if (!next.cancel) {
      start(*found->second);
    } else if (chance(net_->prng(), faults_.slow_cancel)) {
      net_->after(between(net_->prng(), 1us, 3000us), [this, id = next.id] { cancel_now(id); });
    } else {
      cancel_now(next.id);
    }
  }
}

void SimKernel::start(Operation& operation) {
  operation.submitted = true;
  net_->log().note("start", operation.fd, static_cast<std::int64_t>(operation.kind),
                   static_cast<std::int64_t>(operation.id));
  if (operation.kind == Kind::kConnect) {
    start_connect(operation);
    return;
  }
  // Linux looks for a buffer before it looks for bytes.
  const bool starved = operation.kind == Kind::kRecv && buffers_.free_count() == 0;
  if (starved && chance(net_->prng(), 500)) {
    starve(operation);
    return;
  }
  progress(operation);
}

void SimKernel::start_connect(Operation& operation) {
  const auto end_with = [this, id = operation.id](int os_errno) {
    const auto found = operations_.find(id);
    if (found == operations_.end() || found->second->over) return;
    Socket& socket = socket_of(found->second->fd);
    if (os_errno == 0) {
      by_end_[socket.end->id()] = socket.fd;
      socket.end->watch(this);
    }
    finish(*found->second, -os_errno);
  };
  if (chance(net_->prng(), faults_.connect_unanswered)) return;
  if (chance(net_->prng(), faults_.connect_refused)) {
    net_->after(net_->latency(), [end_with] { end_with(ECONNREFUSED); });
    return;
  }
  socket_of(operation.fd).end = &net_->connect(operation.address, end_with);
}

void SimKernel::cancel_now(std::uint64_t id) {
  const auto found = operations_.find(id);
  if (found == operations_.end() || found->second->over) {
    ++counters_.cancels_beaten;
    return;
  }
  Operation& operation = *found->second;
  if (bug_ == SimBug::kCompletionLost && chance(net_->prng(), 100)) return;
  ++counters_.cancelled;
  const auto done = static_cast<std::int32_t>(operation.done);
  finish(operation, done > 0 ? done : -ECANCELED);
}

void SimKernel::add(Operation& operation, Completion completion) {
  SL_ASSERT(!operation.over);
  operation.over = !completion.more;
  if (operation.results.empty()) ready_.push_back(operation.id);
  operation.results.push_back(std::move(completion));
}

void SimKernel::finish(Operation& operation, std::int32_t result) {
  add(operation, Completion{.result = result, .more = false, .slice = {}});
}

// In any order, but that of each operation; perhaps not all of them yet.
std::size_t SimKernel::deliver() {
  std::size_t count = 0;
  Prng& prng = net_->prng();
  while (!ready_.empty()) {
    const std::size_t at = prng.below(ready_.size());
    const std::uint64_t id = ready_[at];
    Operation& operation = *operations_.at(id);
    Op& op = *operation.op;
    Completion completion = std::move(operation.results.front());
    operation.results.pop_front();
    net_->log().note(completion.more ? "completion, more" : "completion", operation.fd,
                     static_cast<std::int64_t>(operation.kind), completion.result);
    if (operation.results.empty()) {
      ready_[at] = ready_.back();
      ready_.pop_back();
    }
    if (!completion.more) {
      std::erase(socket_of(operation.fd).operations, &operation);
      by_op_.erase(&op);
      operations_.erase(id);
    }
    op.complete(std::move(completion));
    ++count;
    if (chance(prng, faults_.completion_waits)) break;
  }
  return count;
}

void SimKernel::wait_for_news(Instant until) {
  SimClock& clock = net_->clock();
  while (!has_news() && clock.now() < until) {
    Instant next = std::min(net_->next_event(), until);
    if (turns_ != nullptr) {
      if (turns_->pass_on(*this, clock.now(), until)) continue;
      next = std::min(next, turns_->next_of_others(*this));
    }
    if (next == kNever) stuck();
    clock.advance_to(std::max(next, clock.now()));
    net_->run_due();
  }
}

std::size_t SimKernel::collect(Instant, Instant until) {
  SimClock& clock = net_->clock();
  if (++counters_.turns == kTurnsMax) {
    std::fprintf(stderr, "sim: so many turns, and still running\n");
    std::abort();
  }
  clock.advance_to(clock.now() + between(net_->prng(), 1us, 20us));
  submit();
  net_->run_due();
  // Another shard may come between two turns of this one, too.
  if (turns_ != nullptr && chance(net_->prng(), 300))
    static_cast<void>(turns_->pass_on(*this, clock.now(), clock.now()));
  wait_for_news(until);
  woken_ = false;
  return deliver();
}

void SimKernel::starve(Operation& operation) {
  ++counters_.no_buffers;
  finish(operation, bug_ == SimBug::kEndInsteadOfError ? 0 : -ENOBUFS);
}

void SimKernel::on_change(SimEnd& end) {
  const auto found = by_end_.find(end.id());
  if (found == by_end_.end()) return;
  // progress() starts nothing and ends nothing in this list: completions are delivered later.
  for (Operation* const operation : socket_of(found->second).operations) progress(*operation);
}

void SimKernel::Socket::on_connection(SimEnd& far) {
  backlog.push_back(&far);
  for (Operation* const operation : operations) kernel->progress(*operation);
}

void SimKernel::stuck() {
  std::fprintf(stderr,
               "sim: nothing will ever happen, and %zu operations wait on %zu descriptors\n",
               operations_.size(), open_descriptors_);
  std::abort();
}

}  // namespace sluice
