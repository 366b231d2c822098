#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/net/stream.h"
#include "engine/task/cancel.h"
#include "tls/context.h"
#include "tools/mock/provider_state.h"
#include "tools/mock/wire_plan.h"

namespace sluice {

// ForwardCancel - hands the cancellation of a source on to another: the shard's end to one
// connection.
class ForwardCancel final : public CancelHook {
 public:
  ForwardCancel(CancelSource& from, CancelSource& to) noexcept : to_(&to) {
    if (from.requested()) to.request(from.cause());
    else from.add(*this);
  }
  ~ForwardCancel() { unlink(); }
  void on_cancel(const Error& cause) noexcept override { to_->request(cause); }

 private:
  CancelSource* to_;
};

// MockConnection - one accepted connection and what was read from it.
//
// Owns      the stream and the bytes that belong to the next request.
// Affinity  one shard. Lives in the frame of serve_mock_connection.
struct MockConnection {
  MockConnection(Shard& shard, int fd, std::uint64_t number, ProviderState& provider,
                 CancelSource& shard_end)
      : state(provider),
        stream(shard, fd, Side::kDownstream),
        number(number),
        shard_end_hook(shard_end, cancel) {}

  ProviderState& state;
  Stream stream;
  CancelSource cancel;  // the client has gone, while an answer is on its way; or the shard ends
  std::uint64_t number;
  ForwardCancel shard_end_hook;
  std::string input;  // received, not yet understood
  RequestHeadParser parser;
  std::optional<Duration> idle_max;  // instead of the script's keep-alive, once
  // The present exchange in the ledger; 0 when there is none, or its end is noted.
  std::uint64_t exchange = 0;
  Ledger::End end;
};

// Serves the requests of an accepted connection until either side ends it. `tls` may be null.
Task<void> serve_mock_connection(Shard& shard, ProviderState& provider, int fd,
                                 const ServerTlsContext* tls, CancelSource& shard_end);

}  // namespace sluice
