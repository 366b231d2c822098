#include "admin/admin_connection.h"

#include <cstring>
#include <memory>

#include "engine/io/operations.h"
#include "engine/io/pool_block.h"
#include "engine/net/address.h"
#include "engine/proxy/collect_head.h"
#include "engine/proxy/reason_phrase.h"
#include "parser/http_date.h"

namespace sluice {
namespace {

constexpr Duration kHeadPatience = 30s;  // for a whole head
constexpr Duration kIdlePatience = 75s;  // between two requests
constexpr Duration kBodyPatience = 60s;  // for a whole body
constexpr Duration kStall = 30s;         // of a reader, before it is given up
// The same of a stream of snapshots: who takes nothing is skipped meanwhile, and holds up nobody.
// As long as a shard gives the clients that it relays for (timeouts.client_stalled).
constexpr Duration kFeedStall = 60s;

// AdminExchange - one request and its answer.
struct AdminExchange {
  AdminExchange(Shard& shard, CancelSource& calls_off) : arena(shard.blocks()), cut(&calls_off) {}
  Arena arena;
  Slice rest;  // received behind what was read of the request
  std::unique_ptr<AdminRequest> request = std::make_unique<AdminRequest>();
  AdminMatch match;
  bool close = false;
  CancelSource* cut = nullptr;  // calls off what is awaited
};

enum class Head : std::uint8_t { kRead, kGone, kRefused };

// Reads the head into `exchange.request`; `refusal` is what to answer when it is none.
Task<Head> read_head(Shard& shard, Stream& client, AdminExchange& exchange,
                     AdminResponse& refusal) {
  AdminRequest& request = *exchange.request;
  RequestHead head;
  const Limits limits{.deadline = shard.now() + kHeadPatience, .cancel = exchange.cut};
  const Result<CollectedHead> collected = co_await collect_head(
      shard, client, exchange.arena, exchange.rest, limits,
      ParseRequest{.parser = RequestHeadParser(), .head = &head, .arena = &exchange.arena});
  if (!collected || collected->state == HeadState::kIncomplete) co_return Head::kGone;
  if (collected->state == HeadState::kRefused) {
    exchange.close = true;
    refusal = admin_error(collected->refusal.status, collected->refusal.message);
    co_return Head::kRefused;
  }
  // Once more, so that the head refers to what lives as long as the request.
  request.head_text = collected->text;
  Refusal why;
  const HeadState again = RequestHeadParser().parse(request.head_text, request.head, why);
  SL_ASSERT(again == HeadState::kComplete);
  co_return Head::kRead;
}

bool is_type(std::string_view value, std::string_view type) {
  return equals_ignoring_case(value.substr(0, std::min(value.find(';'), value.size())), type);
}

// What is wrong with the body that a head announces; nothing when it may come.
std::optional<AdminResponse> refuse_body(const AdminRequest& request, const AdminRoute& route) {
  const RequestHead& head = request.head;
  if (head.framing == BodyFraming::kChunked)
    return admin_error(411, "send the body with a Content-Length");
  if (head.framing != BodyFraming::kLength || head.content_length == 0) return std::nullopt;
  if (head.content_length > route.body_max)
    return admin_error(413, "the body is above " + std::to_string(route.body_max >> 10) + " KiB",
                       "too_large");
  const std::string_view type = request.field("content-type");
  if (is_type(type, "application/json")) return std::nullopt;
  const bool yaml = is_type(type, "application/yaml") || is_type(type, "application/x-yaml") ||
                    is_type(type, "text/yaml");
  if (yaml && route.takes_yaml) return std::nullopt;
  return admin_error(415, route.takes_yaml ? "send application/json or application/yaml"
                                           : "send application/json");
}

Task<bool> read_body(Shard& shard, Stream& client, AdminExchange& exchange) {
  const RequestHead& head = exchange.request->head;
  const auto size =
      static_cast<std::size_t>(head.framing == BodyFraming::kLength ? head.content_length : 0);
  if (size == 0) co_return true;
  std::span<char> room;
  exchange.request->body = Secret::written(size, [&room](std::span<char> out) { room = out; });
  if (head.expect_continue && exchange.rest.empty()) {
    Outbox outbox(shard.blocks());
    outbox.add("HTTP/1.1 100 Continue\r\n\r\n");
    const WriteLimits write_limits{.stall = kStall, .cancel = exchange.cut};
    const Result<void> sent = co_await write_all(shard, client, outbox, write_limits);
    if (!sent) co_return false;
  }
  const Limits limits{.deadline = shard.now() + kBodyPatience, .cancel = exchange.cut};
  while (!room.empty()) {
    if (exchange.rest.empty()) {
      Result<Slice> some = co_await read_some(shard, client, limits);
      if (!some || some->empty()) co_return false;
      exchange.rest = std::move(*some);
    }
    const std::size_t bytes = std::min<std::size_t>(room.size(), exchange.rest.size());
    std::memcpy(room.data(), exchange.rest.data(), bytes);
    room = room.subspan(bytes);
    exchange.rest.drop_front(bytes);
  }
  co_return true;
}

std::string head_of(Shard& shard, const AdminResponse& response, std::size_t body_bytes,
                    bool close) {
  std::string text = "HTTP/1.1 " + std::to_string(response.status) + " ";
  text += reason_phrase(response.status);
  char date[kHttpDateBytes];
  write_http_date(date, shard.clock().unix_ms() / 1000);
  text += "\r\ndate: " + std::string(date, kHttpDateBytes);
  if (!response.content_type.empty()) text += "\r\ncontent-type: " + response.content_type;
  if (body_bytes != std::string::npos && response.status != 304)
    text += "\r\ncontent-length: " + std::to_string(body_bytes);
  text += "\r\nx-content-type-options: nosniff\r\nreferrer-policy: no-referrer";
  if (response.status >= 400) text += "\r\nx-sluice-error-source: gateway";
  bool cached = false;
  for (const auto& [name, value] : response.fields) {
    text += "\r\n" + name + ": " + value;
    cached = cached || name == "cache-control";
  }
  if (!cached) text += "\r\ncache-control: no-store";
  if (close) text += "\r\nconnection: close";
  return text + "\r\n\r\n";
}

// Whether what follows that head is a stream of snapshots.
bool is_stream(const AdminExchange& exchange, const AdminResponse& response) noexcept {
  const AdminRoute* const route = exchange.match.route;
  return response.status == 200 && route != nullptr && route->serving == Serving::kEvents;
}

Task<bool> send(Shard& shard, Stream& client, AdminExchange& exchange,
                const AdminResponse& response) {
  const std::string_view body = response.secret_body.empty() ? std::string_view(response.body)
                                                             : response.secret_body.reveal();
  exchange.close = exchange.close || exchange.request->head.close;
  const bool endless = is_stream(exchange, response);  // only its head was asked for
  const std::size_t body_bytes = endless ? std::string::npos : body.size();
  const std::string head = head_of(shard, response, body_bytes, exchange.close);
  Outbox outbox(shard.blocks());
  outbox.add(head);
  if (exchange.request->head.method != Method::kHead && response.status != 304) outbox.add(body);
  const WriteLimits limits{.stall = kStall, .cancel = exchange.cut};
  const Result<void> sent = co_await write_all(shard, client, outbox, limits);
  co_return sent.has_value();
}

// Snapshot after snapshot, until somebody has enough, or would not be let in any more.
Task<void> send_feed(Shard& shard, AdminThread& self, Stream& client, AdminExchange& exchange,
                     AdminOrigin origin, const AdminResponse& response) {
  exchange.close = true;
  const std::string head = head_of(shard, response, std::string::npos, true);
  CancelSource gone;
  const CancelLink cut(*exchange.cut, gone);
  const CancelLink late(self.ends_streams(origin), gone);
  CancelSource over;  // no next one comes; what is being sent is sent to its end
  const CancelLink ends(self.ends_waiting(origin), over);
  const CancelLink left(gone, over);
  const WriteLimits write_limits{.stall = kFeedStall, .cancel = &gone};
  client.recv().watch_end(&gone);
  SnapshotFeed::Listener listener(shard, self.feed());
  const auto may_listen = [&] {
    return self.room().access().still_holds(exchange.request->admission, shard.clock().unix_ms());
  };
  std::shared_ptr<const std::string> snapshot;
  std::string_view next = head;
  while (!gone.requested()) {
    Outbox outbox(shard.blocks());
    outbox.add(next);
    const Result<void> sent = co_await write_all(shard, client, outbox, write_limits);
    if (!sent) break;
    const Limits limits{.deadline = kNever, .cancel = &over};
    const Result<void> news = co_await listener.news(limits);
    if (!news || !may_listen()) break;
    snapshot = listener.take();
    next = *snapshot;
  }
  client.recv().watch_end(nullptr);
}

// What can be said before the body is read.
std::optional<AdminResponse> refuse(Shard& shard, AdminThread& self, AdminExchange& exchange,
                                    AdminOrigin origin) {
  AdminRequest& request = *exchange.request;
  const RequestHead& head = request.head;
  exchange.match = find_route(admin_routes(), head.method_text, head.path);
  AdminMatch& match = exchange.match;
  const bool metrics_only = origin == AdminOrigin::kMetrics;
  if (metrics_only && match.route != nullptr && !match.route->for_metrics) match = {};
  if (match.route == nullptr) {
    AdminResponse none = match.allow.empty() ? admin_error(404, "Not Found")
                                             : admin_error(405, "Method Not Allowed");
    if (!match.allow.empty()) none.fields.emplace_back("allow", match.allow);
    return none;
  }
  request.params = match.params;
  if (!parse_query(head.query, request.query))
    return admin_error(400, "the query has a malformed %-escape");
  // Who reaches that listener may read; a page that rebinds its name to this address may not.
  if (metrics_only && (match.route->access == Access::kPublic || head.host.empty()))
    return std::nullopt;
  if (metrics_only) return self.room().access().refuse_host(request);
  return self.room().access().refuse(request, match.route->access, shard.now(),
                                     shard.clock().unix_ms(), request.admission);
}

// Whether a request that may be answered came with the token.
bool has_token(const AdminExchange& exchange) noexcept {
  return exchange.match.route->access != Access::kPublic && !exchange.request->admission.reads_only;
}

// The route's answer, from a thread of its own.
Task<AdminResponse> ask(Shard& shard, AdminThread& self, AdminExchange& exchange) {
  AdminResponse response;
  const std::function<void()> answer = [&self, &exchange, &response] {
    response = answer_route(self.room(), *exchange.match.route, *exchange.request);
  };
  const Method method = exchange.request->head.method;
  const bool looks = method == Method::kGet || method == Method::kHead;
  const auto kind = looks ? AdminThread::JobKind::kLook : AdminThread::JobKind::kChange;
  if (!co_await AdminThread::run_job(shard, self, kind, answer)) {
    response = admin_error(503, "too many requests wait; try again", "busy");
    response.fields.emplace_back("retry-after", "1");
  }
  co_return response;
}

void log_request(Shard& shard, const AdminExchange& exchange, std::uint16_t status) {
  const RequestHead& head = exchange.request->head;
  const bool reads = head.method == Method::kGet || head.method == Method::kHead;
  const LogLevel level = reads && status < 400 ? LogLevel::kDebug : LogLevel::kInfo;
  LogLine(shard.log(), level, "admin")
      .field("method", head.method_text)
      .field("path", head.path)
      .field("status", static_cast<std::int64_t>(status))
      .field("client", exchange.request->peer);
}

enum class Next : std::uint8_t { kRequest, kClose, kGiveBack };

Task<Next> serve_one(Shard& shard, AdminThread& self, ConnectionSeats::Seat& seat, Stream& client,
                     AdminOrigin origin, const std::string& peer, std::string& unread) {
  AdminExchange exchange(shard, seat.cut());
  exchange.close = origin == AdminOrigin::kRelay;
  exchange.request->peer = peer;
  // A shard relays what comes under TLS, and gives its plain connections away.
  exchange.request->tls = origin == AdminOrigin::kRelay;
  AdminResponse response;
  const Head read = co_await read_head(shard, client, exchange, response);
  if (read == Head::kGone) co_return Next::kClose;
  if (read == Head::kRead) {
    if (origin == AdminOrigin::kShard && !is_admin_path(exchange.request->head.path)) {
      unread = exchange.request->head_text;
      unread += exchange.rest.view();
      co_return Next::kGiveBack;
    }
    std::optional<AdminResponse> refused = refuse(shard, self, exchange, origin);
    if (!refused && has_token(exchange)) seat.keep();
    if (!refused) refused = refuse_body(*exchange.request, *exchange.match.route);
    if (refused) {
      // What follows may be a body that nobody has read.
      exchange.close = exchange.close || exchange.request->head.framing != BodyFraming::kNone;
      response = std::move(*refused);
    } else {
      const bool whole = co_await read_body(shard, client, exchange);
      if (!whole) co_return Next::kClose;
      response = co_await ask(shard, self, exchange);
    }
    log_request(shard, exchange, response.status);
    const bool streams =
        is_stream(exchange, response) && exchange.request->head.method != Method::kHead;
    const bool ends = self.ends_waiting(origin).requested();
    if (streams && (ends || self.feed().full())) {
      response = admin_error(503,
                             ends ? "the gateway ends, and sends no snapshots any more"
                                  : "too many listen already; try again later",
                             "busy");
      response.fields.emplace_back("retry-after", "10");
    } else if (streams) {
      co_await send_feed(shard, self, client, exchange, origin, response);
      co_return Next::kClose;
    }
  }
  client.put_back(std::move(exchange.rest));
  const bool sent = co_await send(shard, client, exchange, response);
  if (sent && exchange.close) co_await linger(shard, client, exchange.cut);
  co_return sent && !exchange.close ? Next::kRequest : Next::kClose;
}

}  // namespace

Task<void> serve_admin_connection(Shard& shard, AdminThread& self, int fd, std::string bytes,
                                  AdminOrigin origin, std::string relayed_for) {
  const std::string peer = origin == AdminOrigin::kRelay ? relayed_for : peer_address(fd);
  ConnectionSeats::Seat seat(self.seats(origin), self.cut());
  CancelSource ends_idle;
  const CancelLink ends(self.ends_waiting(origin), ends_idle);
  const CancelLink cut(seat.cut(), ends_idle);
  // What a shard relays comes through a pair of AF_UNIX.
  const RecvMode mode = origin == AdminOrigin::kRelay ? RecvMode::kSingle : RecvMode::kMultishot;
  Stream client(shard, fd, Side::kDownstream, mode);
  if (!bytes.empty()) {
    PoolBlock& block = PoolBlock::create(shard.blocks(), bytes.size());
    std::memcpy(block.data(), bytes.data(), bytes.size());
    client.put_back(Slice(block, block.data(), static_cast<std::uint32_t>(bytes.size())));
  }
  Next next = Next::kRequest;
  std::string unread;
  while (next == Next::kRequest) {
    if (!client.readable()) {
      const Limits limits{.deadline = shard.now() + kIdlePatience, .cancel = &ends_idle};
      Result<Slice> first = co_await client.recv().next(limits);
      if (!first || first->empty()) break;
      client.recv().put_back(std::move(*first));
    } else if (!client.has_unread()) {
      break;
    }
    next = co_await serve_one(shard, self, seat, client, origin, peer, unread);
  }
  if (next == Next::kGiveBack && self.may_give_back()) {
    const int released = co_await release_stream(shard, client, unread);
    self.give_back(released, std::move(unread));
    co_return;
  }
  co_await close_stream(shard, client);
}

}  // namespace sluice
