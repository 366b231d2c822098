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
Served admit(Shard& shard, Exchange& exchange) {
  const RequestHead& head = *exchange.head;
  const Field* const offered = head.fields.find(FieldId::kXRequestId);
  exchange.request_id = choose_request_id(
      exchange.arena, offered == nullptr ? std::string_view{} : offered->value, shard.prng());
  if (const std::optional<Answer> health = answer_health(shard, exchange))
    return refuse(exchange, *health);
  if (exchange.worker->admin != nullptr && is_admin_path(head.path)) {
    exchange.ending = Ending::kHandOver;
    return nobody();
  }
  exchange.api = classify_api(head.path);
  if (exchange.api == ApiKind::kNone) {
    return refuse(exchange,
                  not_found("unknown_url", exchange.arena.join("no such path here: ", head.path)));
  }
  if (api_path_is_ambiguous(head.path)) {
    return refuse(exchange,
                  bad_request("the path could mean another one to the provider (rule S5)"));
  }
  const OrAnswer<const ClientKey*> key = authenticate(exchange.directory(), head, exchange.api);
  if (!key) return refuse(exchange, key.error());
  exchange.client_key = *key;
  if (!api_allows(exchange.api, head.method_text)) {
    return refuse(exchange,
                  Answer{.status = 405,
                         .type = "invalid_request_error",
                         .code = "method_not_allowed",
                         .message = exchange.arena.join(head.method_text, " is not possible here"),
                         .allow = api_methods(exchange.api)});
  }
  if (via_names(head.fields, kViaPseudonym)) {
    return refuse(
        exchange,
        Answer{.status = 508,
               .type = "invalid_request_error",
               .message = "this request has come through this gateway already (rule F10)"});
  }
  if (head.framing == BodyFraming::kLength &&
      head.content_length > exchange.settings().body_bytes_max) {
    return refuse(exchange, too_large("the request body is above the limit (rule B6)"));
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

std::unexpected<const Answer*> last_refusal(Exchange& exchange, const Answer* last,
                                            const Choice& end, std::optional<Duration> wait) {
  Answer answer = last != nullptr ? *last : all_exhausted(exchange, end);
  answer.retry_after = wait;
  answer.never_retry = answer.never_retry || !wait;
  return refuse(exchange, answer);
}

// No account is left: the last provider's own error when one has answered, else why the last one
// was not reached, else that none was free. Each with the true Retry-After.
Task<Served> give_up(Shard& shard, Exchange& exchange, const HeldAnswer& held, const Answer* last,
                     const Choice& end) {
  std::optional<Duration> wait = wait_after(exchange, end, shard.now());
  // A refused key is our operator's business: the client would take a 401 for its own.
  if (held.head != nullptr && held.head->status != 401) {
    const std::optional<Duration> theirs = parse_retry_after(held.head->fields, shard.unix_ms());
    if (theirs && wait) wait = std::max(*wait, *theirs);
    co_await relay_held(shard, exchange, held, wait);
    co_return Served();
  }
  co_return last_refusal(exchange, last, end, wait);
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

// Waits for a permit as the ladder advises: `choice` becomes its next step.
Task<void> queue_up(Shard& shard, Exchange& exchange, Ladder& ladder, Choice& choice) {
  const Instant began = shard.now();
  const Rung rung = choice.rung;
  QueueComments comments(exchange, began);
  choice = co_await wait_for_permit(shard, exchange, ladder, std::move(choice), comments);
  exchange.report.queue_time += shard.now() - began;
  note_step(shard, exchange,
            {.kind = StepKind::kWait, .rung = rung, .outcome = wait_outcome(exchange, choice)},
            began);
}

// `choice` becomes the ladder's next step after it; waits where that is its advice. `failed`: the
// last account failed, so that this is a retry, and the shard's budget must allow it.
Task<void> follow_advice(Shard& shard, Exchange& exchange, Ladder& ladder, Choice& choice,
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
    choice = ladder.exhausted(shard.now());
    co_return;
  }
  while (choice.kind == Choice::Kind::kWait && !exchange.cancel.requested())
    co_await queue_up(shard, exchange, ladder, choice);
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
std::unexpected<const Answer*> called_off(Exchange& exchange) {
  const Error& cause = exchange.cancel.cause();
  exchange.report.client_gone = cause.side == Side::kDownstream;
  if (!exchange.stream_begun || cause.code != Errc::kDrained) return nobody();
  return refuse(exchange, Answer{.status = 503,
                                 .type = "server_error",
                                 .code = "gateway_shutdown",
                                 .message = "the gateway is shutting down"});
}

// Tries the accounts in the ladder's order until one has an answer for the client (seat.answers),
// or none is left.
Task<Served> find_answer(Shard& shard, Exchange& exchange, Seat& seat) {
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
  const Answer* last = nullptr;
  bool failed = false;
  while (true) {
    Choice choice = ladder.next(shard.now());
    if (failed || choice.kind == Choice::Kind::kWait)
      co_await follow_advice(shard, exchange, ladder, choice, failed);
    if (exchange.cancel.requested() && choice.kind != Choice::Kind::kTry)
      co_return called_off(exchange);
    if (choice.kind == Choice::Kind::kUnknownModel)
      co_return refuse(exchange, unknown_model(exchange));
    if (choice.kind == Choice::Kind::kExhausted) {
      note_step(shard, exchange,
                {.kind = StepKind::kGiveUp, .rung = choice.rung, .outcome = end_outcome(choice)},
                shard.now());
      const Served ended = co_await give_up(shard, exchange, held, last, choice);
      co_return ended;
    }
    const TryResult result = co_await try_account(shard, exchange, ladder, choice, held, seat);
    switch (result.kind) {
      case TryResult::Kind::kAnswered:
        if (seat.answers == nullptr && !exchange.answered) co_return called_off(exchange);
        co_return Served();
      case TryResult::Kind::kRefused: co_return std::unexpected(result.answer);
      case TryResult::Kind::kNext:
        seat.clear();
        last = result.answer;
        failed = result.failed;
        break;
    }
  }
}

// Finds an account that answers, and relays its answer. Trials: a Trial, or a Race where two
// accounts may be asked at once. A stream of minutes keeps this frame, not the ladder's.
template <class Trials>
Task<Served> forward_from(Shard& shard, Exchange& exchange) {
  std::optional<Trials> trials;
  Seat seat(trials);
  // From here on the client's leaving calls everything off (COMPAT 37).
  exchange.client->recv().watch_end(&exchange.cancel);
  Served step = co_await find_answer(shard, exchange, seat);
  if (seat.answers != nullptr) {
    begin_relay(shard, exchange, *seat.answers);
    const RelayEnd end = co_await relay_response(shard, exchange, seat.answers->attempt);
    step = settle_relayed(shard, exchange, *seat.answers, end);
    if (step && !exchange.answered) step = called_off(exchange);
  }
  exchange.client->recv().watch_end(nullptr);
  leave_client(exchange, shard.now());
  co_return step;
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

// What was refused before its body was read leaves that body on the connection.
std::unexpected<const Answer*> refused_unread(Exchange& exchange, Answer answer) {
  answer.close = answer.close || exchange.head->framing != BodyFraming::kNone;
  return refuse(exchange, answer);
}

// Which model it is for, and whether its key may have that now.
Served check_request(Shard& shard, Exchange& exchange) {
  if (const OrAnswer<void> routed = find_model(exchange); !routed)
    return refuse(exchange, routed.error());
  if (const OrAnswer<void> allowed = authorize_model(exchange); !allowed)
    return refuse(exchange, allowed.error());
  exchange.forwarded = true;
  exchange.report.labels.model = LabelNames::kOther;  // until its route is known
  if (const OrAnswer<void> let_in = enter_client(shard, exchange); !let_in)
    return refuse(exchange, let_in.error());
  exchange.priority = priority_of_request(exchange);
  return {};
}

}  // namespace

Task<Served> receive_request(Shard& shard, Exchange& exchange) {
  Served step = co_await read_request_head(shard, exchange);
  if (!step) co_return step;
  step = admit(shard, exchange);
  if (!step) co_return refused_unread(exchange, *step.error());
  if (!body_came_with_head(exchange)) step = co_await read_request_body(shard, exchange);
  if (!step) co_return step;
  // What the client has sent ahead waits where it holds no memory of the ring (B1).
  exchange.client->put_back(std::move(exchange.rest));
  exchange.received_at = shard.now();
  if (exchange.api == ApiKind::kModels) co_return refuse(exchange, answer_models(exchange));
  if (exchange.api == ApiKind::kModel) co_return refuse(exchange, answer_model(exchange));
  co_return check_request(shard, exchange);
}

Task<Served> forward_request(Shard& shard, Exchange& exchange) {
  return may_hedge(exchange) ? forward_from<Race>(shard, exchange)
                             : forward_from<Trial>(shard, exchange);
}

}  // namespace sluice
