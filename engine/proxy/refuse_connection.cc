#include "engine/proxy/refuse_connection.h"

#include <string_view>

#include "engine/net/stream.h"

namespace sluice {
namespace {

constexpr std::string_view kHead =
    "HTTP/1.1 503 Service Unavailable\r\n"
    "content-type: application/json\r\n"
    "content-length: 157\r\n"
    "x-sluice-error-source: gateway\r\n"
    "retry-after: 1\r\n"
    "retry-after-ms: 1000\r\n"
    "connection: close\r\n\r\n";
constexpr std::string_view kBody =
    "{\"error\":{\"message\":\"the gateway has all the connections that it may have; see "
    "Retry-After\",\"type\":\"server_error\",\"param\":null,\"code\":\"gateway_overloaded\"}}\n";
static_assert(kBody.size() == 157, "content-length says it");

}  // namespace

Task<void> refuse_connection(Shard& shard, CancelSource& cut, int fd) {
  Stream client(shard, fd, Side::kDownstream);
  Outbox outbox(shard.blocks());
  outbox.add(kHead);
  outbox.add(kBody);
  // A fresh socket takes so little at once; its place on the way out is one of few.
  constexpr Duration kAtOnce = 100ms, kLinger = 2s;
  const WriteLimits limits{.deadline = shard.now() + kAtOnce, .cancel = &cut};
  const Result<void> written = co_await write_all(shard, client, outbox, limits);
  if (written) co_await linger(shard, client, &cut, kLinger);
  co_await close_stream(shard, client);
}

}  // namespace sluice
