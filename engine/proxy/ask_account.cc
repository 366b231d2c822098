#include "engine/proxy/ask_account.h"

#include <algorithm>
#include <cerrno>

#include "engine/proxy/count_exchange.h"
#include "engine/proxy/hide_key.h"
#include "engine/proxy/metering.h"
#include "engine/proxy/response_head.h"
#include "engine/route/learn_limits.h"
#include "parser/retry_after.h"

namespace sluice {
namespace {

TryResult refused(const Answer* answer) {
  return TryResult{.kind = TryResult::Kind::kRefused, .answer = answer};
}
TryResult next_account(const Answer* answer, bool failed) {
  return TryResult{.kind = TryResult::Kind::kNext, .answer = answer, .failed = failed};
}

void log_failure(Shard& shard, const Exchange& exchange, const Attempt& attempt,
                 std::string_view doing, const Error& error) {
  LogLine(shard.log(), LogLevel::kWarning, "attempt failed")
      .field("id", exchange.request_id)
      .field("account", attempt.account->name)
      .field("host", attempt.account->endpoint.host)
      .field("doing", doing)
      .field("side", side_text(error.side))
      .field("error", errc_text(error.code))
      .field("detail", attempt.failure)
      .field("errno", error.os_errno);
}

void log_refusal(Shard& shard, const Exchange& exchange, const Attempt& attempt,
                 TryOutcome outcome) {
  LogLine(shard.log(), LogLevel::kWarning, "provider refused")
      .field("id", exchange.request_id)
      .field("account", attempt.account->name)
      .field("status", attempt.head->status);
  if (outcome != TryOutcome::kAuthRejected) return;
  LogLine(shard.log(), LogLevel::kError, "account set to error: its provider refused the key")
      .field("account", attempt.account->name)
      .field("host", attempt.account->endpoint.host)
      .field("mend", "correct api_key and reload (SIGHUP)");
}

// True when not even a socket could be had: no fault of the provider's, and no other account would
// fare better.
bool gateway_lacks(const Error& error) noexcept {
  return error.side == Side::kOurs && (error.os_errno == EMFILE || error.os_errno == ENFILE ||
                                       error.os_errno == ENOMEM || error.os_errno == ENOBUFS);
}

// The request could not be sent, or no head came back.
TryResult after_failure(Shard& shard, Exchange& exchange, Ladder& ladder, Trial& trial,
                        const Error& error, std::string_view doing) {
  const Attempt& attempt = trial.attempt;
  const bool nobody_waits = error.side == Side::kDownstream || error.code == Errc::kDrained;
  if (nobody_waits || attempt.called_off) {
    report_outcome(shard, exchange, ladder, trial, TryOutcome::kClientGone);  // no mark
    end_trial(shard, exchange, trial, std::nullopt);
    if (!nobody_waits) return next_account(nullptr, false);
    exchange.report.client_gone = error.side == Side::kDownstream;
    return TryResult{.kind = TryResult::Kind::kAnswered};
  }
  log_failure(shard, exchange, attempt, doing, error);
  if (gateway_lacks(error) && !attempt.sent_any) {
    report_outcome(shard, exchange, ladder, trial, TryOutcome::kClientGone);  // no mark
    end_trial(shard, exchange, trial, std::nullopt);
    return refused(exchange.arena.make<Answer>(overloaded(
        "the gateway has no file descriptors or memory left for a connection to a provider; this "
        "is a limit of the gateway (LimitNOFILE, ulimit -n), not a fault of the provider")));
  }
  const bool timed_out = error.code == Errc::kTimedOut;
  const TryOutcome outcome = timed_out          ? TryOutcome::kTimedOut
                             : attempt.sent_any ? TryOutcome::kServerError
                                                : TryOutcome::kConnectFailed;
  report_outcome(shard, exchange, ladder, trial, outcome);
  end_trial(shard, exchange, trial, std::nullopt);
  exchange.report.error = errc_text(error.code);
  // HTTP_RULES, Retry safety: what the provider cannot have seen is safe; a timeout only by
  // configuration; what it may have seen only when the client made it idempotent.
  const bool idempotent = exchange.head->fields.find(FieldId::kIdempotencyKey) != nullptr ||
                          exchange.head->method == Method::kGet ||
                          exchange.head->method == Method::kHead;
  const bool safe = !attempt.sent_any ||
                    (timed_out && exchange.directory().routing.retry_on_timeout) ||
                    (!timed_out && error.code != Errc::kMalformed && idempotent);
  if (safe) return next_account(upstream_failure(exchange, attempt, error), true);
  return refused(upstream_failure(exchange, attempt, error));
}

// What the provider says of its limits, for accounts that are to learn them.
void learn_limits(Shard& shard, const Exchange& exchange, const Attempt& attempt) {
  const Account& account = *attempt.account;
  if (!account.learn_limits) return;
  const RateLimitFields told = parse_rate_limit_fields(attempt.head->fields, shard.unix_ms());
  const LearnedLimits limits{.requests = limit_for(told.requests, account.window).value_or(0),
                             .tokens = limit_for(told.tokens, account.window).value_or(0)};
  const Instant until =
      nothing_left_until(told, shard.now(), exchange.directory().routing.cooldown.max);
  const bool rests = until > shard.now() + 1s && !account.state->on_hold(shard.now());
  account.state->learn(limits, until);
  if (!rests) return;
  LogLine(shard.log(), LogLevel::kInfo, "account rests: its provider says that nothing is left")
      .field("account", account.name)
      .field("for_ms", (until - shard.now()) / 1ms);
}

// A complete answer that another account may better: it is kept in case there is none.
Task<void> hold_answer(Shard& shard, Exchange& exchange, Attempt& attempt, HeldAnswer& held) {
  constexpr std::size_t kBytesMax = 64 * 1024;  // error documents are a few hundred bytes
  constexpr Duration kPatience = 5s;            // with other accounts waiting to be tried
  const Instant began = shard.clock().now();
  const BodyBounds bounds{.bytes_max = kBytesMax,
                          .deadline = std::min(attempt.deadline, shard.now() + kPatience)};
  const std::optional<std::string_view> body =
      co_await read_whole_body(shard, exchange, attempt, bounds);
  attempt.waited += waited_since(shard, began);
  const bool whole = body.has_value();
  const bool reusable = whole && can_be_reused(attempt);
  if (whole) {
    const Account& account = *attempt.account;
    held = HeldAnswer{.account = &account,
                      .rung = attempt.rung,
                      .head = attempt.head,
                      .body = hide_key(exchange.arena, *body, account.api_key.reveal())};
  }
  release_connection(exchange, attempt, reusable);
}

// In a race, and under timeouts.first_token, the first byte of a stream decides, not its head: that
// a provider sends at once.
Task<Result<void>> await_first_event(Shard& shard, Attempt& attempt) {
  const bool has_body = attempt.head->framing != BodyFraming::kNone;
  const bool waits = has_body && attempt.head->status < 300 && attempt.rest.empty() &&
                     answer_kind(*attempt.head) == AnswerKind::kEventStream;
  if (!waits) co_return Result<void>();
  const AccountTimeouts& timeouts = attempt.account->timeouts;
  Instant deadline = std::min(attempt.deadline, shard.now() + timeouts.idle);
  if (timeouts.first_token > Duration::zero())
    deadline = std::min(deadline, attempt.sent_at + timeouts.first_token);
  const Limits limits{.deadline = deadline, .cancel = &attempt.cancel};
  Result<Slice> first = co_await read_some(shard, attempt.connection->stream, limits);
  if (!first) {
    attempt.failure = "the head of a stream came, and no event behind it";
    co_return std::unexpected(first.error());
  }
  attempt.rest = std::move(*first);  // empty at the end, which relay_response() sees for itself
  co_return Result<void>();
}

// Whether more than its head must have come before an answer can be relayed.
bool waits_for_event(const Attempt& attempt) noexcept {
  return attempt.races || attempt.account->timeouts.first_token > Duration::zero();
}

Task<Result<void>> read_head_and_event(Shard& shard, Exchange& exchange, Attempt& attempt) {
  Result<void> answered = co_await read_response_head(shard, exchange, attempt);
  if (answered) answered = co_await await_first_event(shard, attempt);
  // Until the others have ended it holds no memory of the ring (B1).
  if (answered && attempt.races) attempt.connection->stream.put_back(std::move(attempt.rest));
  co_return answered;
}

Task<std::optional<TryResult>> ask(Shard& shard, Exchange& exchange, Ladder& ladder, Trial& trial,
                                   HeldAnswer& held) {
  Attempt& attempt = trial.attempt;
  Permit& permit = trial.choice.permit;
  if (!meter_start(shard, exchange, trial)) {
    report_outcome(shard, exchange, ladder, trial, TryOutcome::kClientGone);  // no mark
    end_trial(shard, exchange, trial, std::nullopt);
    co_return refused(exchange.arena.make<Answer>(metering_stuck()));
  }
  const Result<void> sent =
      co_await send_request(shard, exchange, attempt, trial.choice.native_model);
  if (attempt.sent_any) {
    trial.settled_at = shard.now();
    permit.settle_sent(trial.settled_at);
  }
  if (!sent) {
    attempt.waited += waited_since(shard, attempt.asked_at);
    co_return after_failure(shard, exchange, ladder, trial, sent.error(), "sending the request");
  }
  attempt.sent_at = shard.now();
  if (trial.change != nullptr) trial.change->set();
  Result<void> answered;
  if (waits_for_event(attempt)) answered = co_await read_head_and_event(shard, exchange, attempt);
  else answered = co_await read_response_head(shard, exchange, attempt);
  attempt.waited += waited_since(shard, attempt.asked_at);
  if (!answered) {
    release_connection(exchange, attempt, false);
    co_return after_failure(shard, exchange, ladder, trial, answered.error(),
                            "reading the response head");
  }
  learn_limits(shard, exchange, attempt);
  const StatusVerdict verdict = judge_status(attempt.head->status);
  if (!verdict.next) co_return std::nullopt;
  const std::optional<Duration> wait = parse_retry_after(attempt.head->fields, shard.unix_ms());
  report_outcome(shard, exchange, ladder, trial, verdict.outcome, wait);
  log_refusal(shard, exchange, attempt, verdict.outcome);
  co_await hold_answer(shard, exchange, attempt, held);
  end_trial(shard, exchange, trial, tokens_counted(verdict.outcome, {}));
  if (exchange.cancel.requested()) {
    exchange.report.client_gone = exchange.cancel.cause().side == Side::kDownstream;
    co_return TryResult{};
  }
  co_return next_account(nullptr, verdict.outcome == TryOutcome::kServerError);
}

}  // namespace

Trial::Trial(Shard& shard, Exchange& exchange, Choice&& wanted) : choice(std::move(wanted)) {
  attempt.follow(exchange);
  attempt.account = choice.permit.account();
  attempt.rung = choice.rung;
  attempt.deadline = shard.now() + attempt.account->timeouts.total;
  number = ++exchange.report.attempts;
  began_at = shard.now();
  ++exchange.worker->metrics.attempts;
}

Task<void> ask_account(Shard& shard, Exchange& exchange, Ladder& ladder, Trial& trial,
                       HeldAnswer& held) {
  trial.result = co_await ask(shard, exchange, ladder, trial, held);
  trial.ended = true;
  if (trial.change != nullptr) trial.change->set();
}

void discard_answer(Shard& shard, Exchange& exchange, Ladder& ladder, Trial& trial) {
  release_connection(exchange, trial.attempt, false);
  report_outcome(shard, exchange, ladder, trial, TryOutcome::kClientGone);  // no mark
  end_trial(shard, exchange, trial, std::nullopt);
}

StatusVerdict judge_status(int status) noexcept {
  if (status == 429) return {TryOutcome::kRateLimited, true};
  if (status == 401) return {TryOutcome::kAuthRejected, true};
  // What this account's key may not do (a model, a region), another's may. It says nothing of other
  // requests (R4).
  if (status == 403) return {TryOutcome::kClientFault, true};
  if (status == 408 || status >= 500) return {TryOutcome::kServerError, true};
  if (status >= 400) return {TryOutcome::kClientFault, false};
  return {TryOutcome::kServed, false};
}

namespace {

// `probing`: the try was to find out whether its account is well again.
void note_marks(Shard& shard, Exchange& exchange, Trial& trial, TryOutcome outcome,
                const Ladder::Marks& marks, bool probing) {
  const Account& account = *trial.choice.permit.account();
  count_attempt(shard, exchange, trial, outcome, marks);
  if (probing && account.state->wanted().by_anybody()) exchange.worker->dispatcher->nudge(shard);
  if (!marks.breaker.opened) return;
  LogLine(shard.log(), LogLevel::kWarning, "breaker opened: the account only fails")
      .field("account", account.name)
      .field("host", account.endpoint.host)
      .field("for_ms", (marks.breaker.until - shard.now()) / 1ms);
}

}  // namespace

void report_outcome(Shard& shard, Exchange& exchange, Ladder& ladder, Trial& trial,
                    TryOutcome outcome, std::optional<Duration> retry_after) {
  Permit& permit = trial.choice.permit;
  const bool probing = permit.probing();
  const Ladder::Marks marks = ladder.report(permit, outcome, retry_after, shard.now());
  note_marks(shard, exchange, trial, outcome, marks, probing);
}

void report_relayed(Shard& shard, Exchange& exchange, Trial& trial, TryOutcome outcome) {
  Permit& permit = trial.choice.permit;
  const bool probing = permit.probing();
  const Ladder::Marks marks =
      Ladder::mark(exchange.directory().routing, permit, outcome, std::nullopt, shard.now());
  note_marks(shard, exchange, trial, outcome, marks, probing);
}

void end_permit(Shard& shard, Exchange& exchange, Permit& permit,
                const std::optional<TokensUsed>& used) {
  const AccountState& state = *permit.account()->state;
  const bool unsent = permit.held();
  if (unsent) permit.refund(shard.now());
  else permit.finish(used, shard.now());
  if ((unsent || state.room_comes_back()) && state.wanted().by_anybody()) {
    exchange.worker->dispatcher->nudge(shard);
  }
}

void end_trial(Shard& shard, Exchange& exchange, Trial& trial,
               const std::optional<TokensUsed>& used, bool relayed) {
  meter_end(shard, exchange, trial, used.has_value(), relayed);
  end_permit(shard, exchange, trial.choice.permit, used);
}

const Answer* upstream_failure(Exchange& exchange, const Attempt& attempt, const Error& error) {
  Answer& answer = *exchange.arena.make<Answer>(
      Answer{.status = 502, .type = "server_error", .code = "upstream_unreachable"});
  std::string_view action = "could not be reached";
  if (attempt.sent_any) action = "did not answer";
  if (attempt.broke.code != Errc::kOk) action = "broke off its answer";
  if (error.code == Errc::kMalformed) {
    answer.code = "upstream_invalid_response";
    action = "sent an answer that is no valid HTTP";
  } else if (error.code == Errc::kTimedOut) {
    answer.status = 504;
    answer.code = "upstream_timeout";
    action = attempt.sent_any ? "did not answer in time" : "could not be reached in time";
  }
  // The reason in words may name the provider's host: it is for those who may know who serves.
  const bool named = exchange.settings().identity_headers;
  const std::string_view detail =
      named && !attempt.failure.empty() ? attempt.failure : errc_text(error.code);
  const std::string_view who =
      named ? exchange.arena.join("the provider of account '", attempt.account->name, "'")
            : std::string_view("the provider");
  answer.message = exchange.arena.join(who, " ", action, ": ", detail);
  // The provider may be working on it, and may bill it: a client that retries would pay twice.
  answer.never_retry = attempt.sent_any;
  return &answer;
}

}  // namespace sluice
