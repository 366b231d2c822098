#include "engine/proxy/serve_request.h"

#include <algorithm>

#include "engine/proxy/admin_door.h"
#include "engine/proxy/client_auth.h"
#include "engine/proxy/client_limits.h"
#include "engine/proxy/count_exchange.h"
#include "engine/proxy/early_stream.h"
#include "engine/proxy/hedge.h"
#include "engine/proxy/own_answers.h"
#include "engine/proxy/read_request.h"
#include "engine/proxy/request_id.h"
#include "engine/proxy/request_model.h"
#include "engine/proxy/try_account.h"
#include "engine/proxy/upstream_head.h"
#include "engine/route/affinity.h"
#include "parser/retry_after.h"

namespace sluice {
namespace {

// Everything that can be said before the body is read: path, method, loops, who asks, how large it
// is (C3).
OrAnswer<void> admit(Shard& shard, Exchange& exchange) {
  const RequestHead& head = *exchange.head;
  const Field* const offered = head.fields.find(FieldId::kXRequestId);
  exchange.request_id = choose_request_id(
      exchange.arena, offered == nullptr ? std::string_view{} : offered->value, shard.prng());
  if (const std::optional<Answer> health = answer_health(shard, exchange))
    return std::unexpected(*health);
  if (exchange.worker->admin != nullptr && is_admin_path(head.path)) {
    exchange.ending = Ending::kHandOver;
    return nobody();
  }
  exchange.api = classify_api(head.path);
  if (exchange.api == ApiKind::kNone) {
    return std::unexpected(
        not_found("unknown_url", exchange.arena.join("no such path here: ", head.path)));
  }
  if (api_path_is_ambiguous(head.path)) {
    return std::unexpected(
        bad_request("the path could mean another one to the provider (rule S5)"));
  }
  const OrAnswer<const ClientKey*> key = authenticate(exchange.directory(), head, exchange.api);
  if (!key) return std::unexpected(key.error());
  exchange.client_key = *key;
  if (!api_allows(exchange.api, head.method_text)) {
    return std::unexpected(
        Answer{.status = 405,
               .type = "invalid_request_error",
               .code = "method_not_allowed",
               .message = exchange.arena.join(head.method_text, " is not possible here"),
               .allow = api_methods(exchange.api)});
  }
  if (via_names(head.fields, kViaPseudonym)) {
    return std::unexpected(
        Answer{.status = 508,
               .type = "invalid_request_error",
               .message = "this request has come through this gateway already (rule F10)"});
  }
  if (head.framing == BodyFraming::kLength &&
      head.content_length > exchange.settings().body_bytes_max) {
    return std::unexpected(too_large("the request body is above the limit (rule B6)"));
  }
  return {};
}

Answer unknown_model(Exchange& exchange) {
  return not_found(
      "model_not_found",
      exchange.arena.join("no account of this gateway serves the model '", exchange.model, "'"));
}

// No account is left, or none was free.
Answer all_exhausted(Exchange& exchange, const Choice& end) {
  Answer answer{.status = 429, .type = "requests"};
  switch (end.why) {
    case Choice::Why::kQueueFull:
      answer.code = "queue_full";
      answer.message =
          "every account that serves this model is at its limit and the queue is full; "
          "see Retry-After";
      return answer;
    case Choice::Why::kQueueTimeout:
      answer.code = "queue_timeout";
      answer.message = exchange.arena.join(
          "no account that serves this model had room within the time that a request of priority '",
          priority_text(exchange.priority), "' may wait; see Retry-After");
      return answer;
    case Choice::Why::kNothingFree: break;
  }
  answer.status = 503;
  answer.type = "AllPoolsExhausted";
  answer.code = "all_pools_exhausted";
  if (end.retry_at == kNever) {
    answer.message =
        "the providers have refused the keys of all accounts that serve this model, or these are "
        "disabled: the gateway's operator must mend that";
  } else if (exchange.report.attempts > 0) {
    answer.message = "every account that serves this model was tried and failed; see Retry-After";
  } else {
    answer.message =
        "every account that serves this model is at its limit or cooling down; see Retry-After";
  }
  return answer;
}

// When a retry has a chance; nothing when none will have one before an operator has helped. A
// provider that has just failed has permits, and nobody knows when it will be well: a moment must
// pass, or the clients' retries multiply the load on it.
std::optional<Duration> wait_after(const Exchange& exchange, const Choice& end, Instant now) {
  constexpr Duration kAfterFailure = 1s;
  if (end.retry_at == kNever) return std::nullopt;
  const bool failed = exchange.report.attempts > 0;
  return std::max(end.retry_at - now, failed ? kAfterFailure : Duration(1ms));
}

// No account is left: the last provider's own error when one has answered, else why the last one
// was not reached, else that none was free. Each with the true Retry-After.
Task<OrAnswer<void>> give_up(Shard& shard, Exchange& exchange, const HeldAnswer& held, Answer last,
                             const Choice& end) {
  std::optional<Duration> wait = wait_after(exchange, end, shard.now());
  // A refused key is our operator's business: the client would take a 401 for its own.
  if (held.head != nullptr && held.head->status != 401) {
    const std::optional<Duration> theirs =
        parse_retry_after(held.head->fields, shard.unix_ms());
    if (theirs && wait) wait = std::max(*wait, *theirs);
    co_await relay_held(shard, exchange, held, wait);
    co_return OrAnswer<void>();
  }
  if (last.status == 0) last = all_exhausted(exchange, end);
  last.retry_after = wait;
  last.never_retry = last.never_retry || !wait;
  co_return std::unexpected(last);
}

// How a wait ended that `next` follows.
StepOutcome wait_outcome(const Exchange& exchange, const Choice& next) {
  if (exchange.cancel.requested()) return StepOutcome::kClientGone;
  if (next.kind == Choice::Kind::kTry) return StepOutcome::kGranted;
  return next.why == Choice::Why::kQueueFull ? StepOutcome::kQueueFull : StepOutcome::kQueueTimeout;
}
StepOutcome end_outcome(const Choice& end) {
  switch (end.why) {
    case Choice::Why::kNothingFree: break;
    case Choice::Why::kQueueFull: return StepOutcome::kQueueFull;
    case Choice::Why::kQueueTimeout: return StepOutcome::kQueueTimeout;
  }
  return StepOutcome::kExhausted;
}

// Waits for a permit as the ladder advises. Its next step.
Task<Choice> queue_up(Shard& shard, Exchange& exchange, Ladder& ladder, Choice advice) {
  const Instant began = shard.now();
  const Rung rung = advice.rung;
  QueueComments comments(exchange, began);
  Choice next = co_await wait_for_permit(shard, exchange, ladder, std::move(advice), comments);
  exchange.report.queue_time += shard.now() - began;
  note_step(shard, exchange,
            {.kind = StepKind::kWait, .rung = rung, .outcome = wait_outcome(exchange, next)},
            began);
  co_return next;
}

// The ladder's next step after `choice`; waits where that is its advice. `failed`: the last account
// failed, so that this is a retry, and the shard's budget must allow it.
Task<Choice> follow_advice(Shard& shard, Exchange& exchange, Ladder& ladder, Choice choice,
                           bool failed) {
  Worker& worker = *exchange.worker;
  const bool goes_on = choice.kind == Choice::Kind::kTry || choice.kind == Choice::Kind::kWait;
  const RetryBudgetPolicy budget = exchange.directory().routing.retry_budget();
  if (failed && goes_on && !worker.retries.take(shard.now(), budget)) {
    ++worker.metrics.retries_denied;
    if (choice.permit.held()) {
      choice.permit.refund(shard.now());
      worker.dispatcher->nudge(shard);
    }
    co_return ladder.exhausted(shard.now());
  }
  while (choice.kind == Choice::Kind::kWait && !exchange.cancel.requested()) {
    choice = co_await queue_up(shard, exchange, ladder, std::move(choice));
  }
  co_return choice;
}

// Whose request it is, for who is to meet the same account each time; 0 for nobody's.
std::uint64_t origin_of_request(const Exchange& exchange) {
  switch (exchange.directory().routing.affinity) {
    case Affinity::kOff: break;
    case Affinity::kUser: return exchange.json ? origin_of(exchange.probe.user) : 0;
    case Affinity::kSession:
      for (const Field& field : exchange.head->fields) {
        if (field.id == FieldId::kOther && equals_ignoring_case(field.name, "x-session-id"))
          return origin_of(field.value);
      }
      break;
  }
  return 0;
}

// The client has left, or the drain is over. Who has the head of a stream is told why there is no
// more of it.
std::unexpected<Answer> called_off(Exchange& exchange) {
  const Error& cause = exchange.cancel.cause();
  exchange.report.client_gone = cause.side == Side::kDownstream;
  if (!exchange.stream_begun || cause.code != Errc::kDrained) return nobody();
  return std::unexpected(Answer{.status = 503,
                                .type = "server_error",
                                .code = "gateway_shutdown",
                                .message = "the gateway is shutting down"});
}

// Tries the accounts in the ladder's order until one has answered.
Task<OrAnswer<void>> forward(Shard& shard, Exchange& exchange) {
  Ladder ladder(exchange.directory(), exchange.worker->balancer, exchange.model, exchange.priority);
  if (ladder.route() != nullptr) exchange.report.labels.model = ladder.route()->label;
  exchange.trail.looks = exchange.arena.make<DecisionLooks>();
  ladder.keep_looks(*exchange.trail.looks);
  ladder.seeker().demand = demand_of(exchange);
  ladder.seeker().origin = origin_of_request(exchange);
  exchange.worker->retries.request(shard.now(), exchange.directory().routing.retry_budget());
  if (may_hedge(exchange))
    exchange.worker->hedges.request(shard.now(), exchange.directory().routing.hedge.budget());
  HeldAnswer held;
  Answer last;
  bool failed = false;
  while (true) {
    Choice choice = ladder.next(shard.now());
    if (failed || choice.kind == Choice::Kind::kWait)
      choice = co_await follow_advice(shard, exchange, ladder, std::move(choice), failed);
    if (exchange.cancel.requested() && choice.kind != Choice::Kind::kTry)
      co_return called_off(exchange);
    if (choice.kind == Choice::Kind::kUnknownModel)
      co_return std::unexpected(unknown_model(exchange));
    if (choice.kind == Choice::Kind::kExhausted) {
      note_step(shard, exchange,
                {.kind = StepKind::kGiveUp, .rung = choice.rung, .outcome = end_outcome(choice)},
                shard.now());
      const OrAnswer<void> ended = co_await give_up(shard, exchange, held, last, choice);
      co_return ended;
    }
    const TryResult result = co_await try_account(shard, exchange, ladder, std::move(choice), held);
    switch (result.kind) {
      case TryResult::Kind::kAnswered:
        if (!exchange.answered) co_return called_off(exchange);
        co_return OrAnswer<void>();
      case TryResult::Kind::kRefused: co_return std::unexpected(result.answer);
      case TryResult::Kind::kNext:
        last = result.answer;
        failed = result.failed;
        break;
    }
  }
}

// How urgent the client says that this request is, within what its key may. Other words than ours
// say nothing.
Priority priority_of_request(const Exchange& exchange) {
  const Field* const said = exchange.head->fields.find(FieldId::kXPriority);
  const ClientKey* const key = exchange.client_key;
  const Priority usual = key == nullptr ? Priority::kNormal : key->priority;
  const Priority asked = said == nullptr ? usual : priority_of(said->value).value_or(usual);
  return key == nullptr ? asked : std::max(asked, key->priority_max);  // the lower of the two
}

}  // namespace

Task<OrAnswer<void>> serve_request(Shard& shard, Exchange& exchange) {
  const OrAnswer<void> got_head = co_await read_request_head(shard, exchange);
  if (!got_head) co_return got_head;
  const OrAnswer<void> admitted = admit(shard, exchange);
  if (!admitted) {
    // What was refused before its body was read leaves that body on the connection.
    Answer answer = admitted.error();
    answer.close = answer.close || exchange.head->framing != BodyFraming::kNone;
    co_return std::unexpected(answer);
  }
  if (!body_came_with_head(exchange)) {
    const OrAnswer<void> got_body = co_await read_request_body(shard, exchange);
    if (!got_body) co_return got_body;
  }
  // What the client has sent ahead waits where it holds no memory of the ring (B1).
  exchange.client->put_back(std::move(exchange.rest));
  exchange.received_at = shard.now();
  if (exchange.api == ApiKind::kModels) co_return std::unexpected(answer_models(exchange));
  if (exchange.api == ApiKind::kModel) co_return std::unexpected(answer_model(exchange));
  const OrAnswer<void> routed = find_model(exchange);
  if (!routed) co_return routed;
  const OrAnswer<void> allowed = authorize_model(exchange);
  if (!allowed) co_return allowed;
  exchange.forwarded = true;
  exchange.report.labels.model = LabelNames::kOther;  // until its route is known
  const OrAnswer<void> let_in = enter_client(shard, exchange);
  if (!let_in) co_return let_in;
  exchange.priority = priority_of_request(exchange);
  // From here on the client's leaving calls everything off (COMPAT 37).
  exchange.client->recv().watch_end(&exchange.cancel);
  const OrAnswer<void> served = co_await forward(shard, exchange);
  exchange.client->recv().watch_end(nullptr);
  leave_client(exchange, shard.now());
  co_return served;
}

}  // namespace sluice
