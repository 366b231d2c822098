#include "tests/sim/kernel/sim_rules.h"

#include <algorithm>
#include <cstdlib>
#include <optional>

namespace sluice {
namespace {

constexpr std::string_view kComment = ": keep-alive\n\n";
constexpr std::string_view kErrorEvent = "data: {\"error\":{";
// How events begin that tell why a stream ends early: its provider broke it, or the drain cut it.
constexpr std::string_view kErrorEvents[] = {
    "data: {\"error\":{\"message\":\"the provider's stream",
    "data: {\"error\":{\"message\":\"the gateway is shutting down"};

// Takes the gateway's comments out; how many there were.
std::size_t take_comments(std::string& text) {
  std::size_t count = 0;
  for (std::size_t at = 0; (at = text.find(kComment, at)) != text.npos; ++count)
    text.erase(at, kComment.size());
  return count;
}

// Takes out what a stream that began early has more than another: comments while it waited, and
// who serves it.
void take_early_comments(std::string& text) {
  for (const std::string_view begin : {": queued wait_ms=", ": served account="}) {
    for (std::size_t at = 0; (at = text.find(begin, at)) != text.npos;) {
      const std::size_t end = text.find("\n\n", at);
      text.erase(at, end == text.npos ? end : end + 2 - at);
    }
  }
  // The beginning of one that was cut off; events begin with another letter.
  const std::size_t last = text.rfind("\n\n");
  const std::size_t begin = last == text.npos ? 0 : last + 2;
  if (text.substr(begin).starts_with(':')) text.erase(begin);
}

// A refusal that came when the head of a stream had left, as it would have been without; nothing
// for any other answer.
std::optional<SimAnswer> late_refusal(const SimAnswer& answer) {
  SimAnswer refusal = answer;
  take_early_comments(refusal.body);
  std::string& body = refusal.body;
  if (!answer.complete || !body.starts_with(kErrorEvent) || !body.ends_with("}}\n\n"))
    return std::nullopt;
  body.erase(0, std::string_view("data: ").size());
  body.pop_back();
  const bool upstream = body.starts_with("{\"error\":{\"message\":\"no: ");
  refusal.error_source = upstream ? "upstream" : "gateway";
  const std::string_view name = upstream ? "\"code\":\"" : "\"status\":";
  const std::size_t at = body.find(name);
  if (at == body.npos) return std::nullopt;
  refusal.status = std::atoi(body.c_str() + at + name.size());
  return refusal;
}

// What stands before the event that tells of a break, without the line ends that begin it.
std::string_view before_error_event(std::string_view text, bool& has_event) {
  for (const std::string_view event : kErrorEvents) {
    const std::size_t at = text.find(event);
    has_event = at != text.npos;
    if (has_event) return text.substr(0, at);
  }
  return text;
}

// Takes off the beginning of `event`, one of the gateway's own that was cut off.
std::string_view without_cut(std::string_view text, std::string_view event) {
  for (std::size_t bytes = event.size() - 1; bytes > 0; --bytes) {
    if (text.ends_with(event.substr(0, bytes))) return text.substr(0, text.size() - bytes);
  }
  return text;
}

// `begin` ends where an event of ours begins, behind the blank line that ends an event which the
// provider did not.
bool is_beginning_of_event(std::string_view begin, std::string_view whole) {
  if (whole.starts_with(begin)) return true;
  if (!begin.ends_with("\n\n")) return false;
  begin.remove_suffix(2);
  return whole.starts_with(begin);
}

// A broken stream is the beginning of the right one, and perhaps the event that tells of it.
bool is_beginning(std::string_view text, std::string_view whole) {
  bool has_event = false;
  std::string_view begin = before_error_event(text, has_event);
  if (whole.starts_with(begin) || whole.starts_with(without_cut(begin, kComment))) return true;
  if (has_event) return is_beginning_of_event(begin, whole);
  const std::string_view cut = begin;
  return std::ranges::any_of(kErrorEvents, [cut, whole](std::string_view event) {
    return is_beginning_of_event(without_cut(cut, event), whole);
  });
}

class Judge {
 public:
  Judge(const SimClient& client, const SimCircumstances& circumstances, SimFindings& findings)
      : client_(client), circumstances_(circumstances), findings_(findings) {}

  void judge() {
    const auto& answers = client_.reader().answers();
    if (client_.refused() && !circumstances_.cut) find("was refused", nullptr);
    if (client_.garbled()) find("got something that is no HTTP", nullptr);
    if (answers.size() > client_.asked()) {
      find("got more answers than it asked for", nullptr);
      return;
    }
    for (std::size_t i = 0; i < answers.size(); ++i)
      judge_answer(answers[i], *client_.plan().requests[i], i + 1 == answers.size());
    judge_unanswered();
  }

 private:
  void find(const std::string& what, const SimExchange* exchange) {
    findings_.push_back("client" + (exchange == nullptr ? "" : ", " + exchange->id) + ": " + what);
  }
  [[nodiscard]] bool excused() const {
    return client_.has_left() || circumstances_.cut || took_too_long();
  }
  // The gateway lingers for 2 s of silence and 10 s in all (HTTP_RULES B7): who is slow to send, or
  // to read what it got, may meet a reset and lose the tail of its answers.
  [[nodiscard]] bool took_too_long() const {
    if (!client_.was_reset() || !client_.plan().pipelined) return false;
    return client_.reads.bytes_max < 1000 || client_.writes.bytes_max < 1000;
  }

  void judge_answer(const SimAnswer& got, const SimExchange& exchange, bool last) {
    const std::optional<SimAnswer> late = exchange.stream ? late_refusal(got) : std::nullopt;
    const SimAnswer& answer = late ? *late : got;
    if (answer.request_id != exchange.id) find("the answer is for " + answer.request_id, &exchange);
    if (!answer.complete && !last) find("an answer behind one that did not end", &exchange);
    if (answer.status == 200) judge_good(answer, exchange);
    else judge_refusal(answer, exchange);
    if (excused()) return;
    const bool well = answer.status == 200 && answer.complete;
    const bool raced = circumstances_.hedges && exchange.attempts > 1;
    if (exchange.good_said && !well && !raced)
      find("its provider answered well, it got " + std::to_string(answer.status), &exchange);
    if (circumstances_.calm && !well)
      find("nothing was wrong, it got " + std::to_string(answer.status) + answer.body, &exchange);
  }

  void judge_good(const SimAnswer& answer, const SimExchange& exchange) {
    std::string body = answer.body;
    const std::size_t comments = exchange.stream ? take_comments(body) : 0;
    if (exchange.stream) take_early_comments(body);
    // A refusal that came late, and was cut off.
    if (!answer.complete && excused() && body.starts_with(kErrorEvent)) return;
    // Some may have been on their way before it saw the head.
    const auto comments_max =
        static_cast<std::size_t>((answer.ended - answer.began) / circumstances_.comment_after) + 5;
    if (comments > comments_max) find(std::to_string(comments) + " comments", &exchange);
    const std::string right = exchange.client_answer();
    // An event that is not complete when its stream ends passes as it is, a half "usage":null too.
    if (exchange.cut_without_a_trace && exchange.stream) body.resize(body.rfind("\n\n") + 1);
    // Of a body that ends with its connection nobody can say whether it is whole.
    const bool whole = answer.complete && !exchange.cut_without_a_trace &&
                       !(answer.until_close && (exchange.broken_by_provider || excused()));
    if (whole ? body != right : !is_beginning(body, right))
      find("wrong bytes:\n" + body + "\ninstead of\n" + right, &exchange);
    if (body.contains(kErrorEvents[1]) && !circumstances_.cut)
      find("was told of a drain that was none", &exchange);
    if (!answer.complete && !excused() && !exchange.broken_by_provider)
      find("an answer that did not end", &exchange);
  }

  void judge_refusal(const SimAnswer& answer, const SimExchange& exchange) {
    if (!answer.complete) {
      if (!excused()) find("a refusal that did not end", &exchange);
      return;
    }
    if (answer.until_close && excused()) return;  // perhaps not whole, and nobody can tell
    if (answer.error_source == "upstream") {
      if (answer.body != exchange.error_document(answer.status))
        find("wrong bytes of a refusal", &exchange);
      return;
    }
    const bool shaped =
        answer.body.starts_with("{\"error\":{\"message\":\"") && answer.body.ends_with("}}\n");
    if (answer.error_source != "gateway" || !shaped) find("a strange refusal", &exchange);
    switch (answer.status) {
      case 408:
        if (!excused()) find("was too slow", &exchange);
        break;
      case 429:
        if (!answer.body.contains("\"code\":\"queue_")) find("refused with 429", &exchange);
        break;
      case 502:
      case 503:
      case 504: break;
      default: find("refused with " + std::to_string(answer.status), &exchange);
    }
  }

  // What has no answer must have a reason.
  void judge_unanswered() {
    const auto& answers = client_.reader().answers();
    if (excused() || client_.refused()) return;
    if (!client_.finished()) {
      find("still waits", nullptr);
      return;
    }
    if (answers.size() == client_.plan().requests.size()) return;
    const bool told = !answers.empty() && (answers.back().close || !answers.back().complete);
    if (!told) find("was left without an answer", client_.plan().requests[answers.size()]);
  }

  const SimClient& client_;
  const SimCircumstances& circumstances_;
  SimFindings& findings_;
};

}  // namespace

void judge_client(const SimClient& client, const SimCircumstances& circumstances,
                  SimFindings& findings) {
  Judge(client, circumstances, findings).judge();
}

}  // namespace sluice
