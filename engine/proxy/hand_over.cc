#include "engine/proxy/hand_over.h"

#include <sys/socket.h>

#include "engine/io/operations.h"
#include "engine/net/address.h"
#include "engine/proxy/admin_door.h"

namespace sluice {
namespace {

// How long an administrator's answer may be silent before a connection under TLS is given up: an
// event stream speaks each second.
constexpr Duration kSilenceMax = 60s;

// Sends the rest of the request's body through `pair`.
Task<Result<void>> relay_body(Shard& shard, Exchange& exchange, Stream& pair,
                              std::uint64_t missing) {
  const Limits limits{.deadline = shard.now() + exchange.settings().body_idle,
                      .cancel = &exchange.cancel};
  const WriteLimits write_limits{.stall = exchange.settings().client_stall,
                                 .cancel = &exchange.cancel};
  while (missing > 0) {
    Result<Slice> some = co_await read_some(shard, *exchange.client, limits);
    if (!some) co_return std::unexpected(some.error());
    if (some->empty()) co_return fail(Errc::kEndOfStream, Side::kDownstream);
    missing -= std::min<std::uint64_t>(missing, some->size());
    Outbox outbox(shard.blocks());
    outbox.add(some->view());
    outbox.keep(std::move(*some));
    const Result<void> sent = co_await write_all(shard, pair, outbox, write_limits);
    if (!sent) co_return sent;
  }
  co_return Result<void>();
}

Task<void> relay_answer(Shard& shard, Exchange& exchange, Stream& pair) {
  const WriteLimits write_limits{.stall = exchange.settings().client_stall,
                                 .cancel = &exchange.cancel};
  while (true) {
    const Limits limits{.deadline = shard.now() + kSilenceMax, .cancel = &exchange.cancel};
    Result<Slice> some = co_await read_some(shard, pair, limits);
    if (!some || some->empty()) co_return;
    Outbox outbox(shard.blocks());
    outbox.add(some->view());
    outbox.keep(std::move(*some));
    const Result<void> sent = co_await write_all(shard, *exchange.client, outbox, write_limits);
    if (!sent) co_return;
  }
}

// What the administrator says to a client that waits for 100 before it sends the body: that, or
// the answer.
enum class Permission : std::uint8_t { kGiven, kRefused, kGone };
Task<Permission> relay_permission(Shard& shard, Exchange& exchange, Stream& pair) {
  const Limits limits{.deadline = shard.now() + kSilenceMax, .cancel = &exchange.cancel};
  Result<Slice> said = co_await read_some(shard, pair, limits);
  if (!said || said->empty()) co_return Permission::kGone;
  const bool given = said->view().starts_with("HTTP/1.1 100 ");
  Outbox outbox(shard.blocks());
  outbox.add(said->view());
  outbox.keep(std::move(*said));
  const WriteLimits write_limits{.stall = exchange.settings().client_stall,
                                 .cancel = &exchange.cancel};
  const Result<void> sent = co_await write_all(shard, *exchange.client, outbox, write_limits);
  if (!sent) co_return Permission::kGone;
  co_return given ? Permission::kGiven : Permission::kRefused;
}

Task<void> relay(Shard& shard, Exchange& exchange, std::string bytes, std::uint64_t missing) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) co_return;
  exchange.worker->admin->hand_over(shard, ends[1], std::move(bytes),
                                    peer_address(exchange.client->fd()));
  Stream pair(shard, ends[0], Side::kOurs, RecvMode::kSingle);
  Permission permission = Permission::kGiven;
  if (missing > 0 && exchange.head->expect_continue)
    permission = co_await relay_permission(shard, exchange, pair);
  bool goes_on = permission != Permission::kGone;
  if (permission == Permission::kGiven && missing > 0) {
    const Result<void> body = co_await relay_body(shard, exchange, pair, missing);
    // The administrator that reads no further has answered why.
    goes_on = body || body.error().side == Side::kOurs;
  }
  if (goes_on) co_await relay_answer(shard, exchange, pair);
  co_await close_stream(shard, pair);
}

}  // namespace

Task<void> hand_over(Shard& shard, Exchange& exchange) {
  const RequestHead& head = *exchange.head;
  std::string bytes(exchange.head_text);
  bytes += exchange.rest.view();
  const std::uint64_t body = head.framing == BodyFraming::kLength ? head.content_length : 0;
  const std::uint64_t missing = body - std::min<std::uint64_t>(body, exchange.rest.size());
  exchange.rest.reset();
  Stream& client = *exchange.client;
  if (client.tls() != nullptr) {
    co_await relay(shard, exchange, std::move(bytes), missing);
    co_return;
  }
  const int fd = co_await release_stream(shard, client, bytes);
  exchange.worker->admin->hand_over(shard, fd, std::move(bytes), "");
}

}  // namespace sluice
