#include "tests/sim/kernel/sim_client.h"

namespace sluice {
namespace {

std::string value_of(const FieldList& fields, std::string_view name) {
  for (const Field& field : fields) {
    if (equals_ignoring_case(field.name, name)) return std::string(field.value);
  }
  return {};
}

}  // namespace

bool SimAnswerReader::begin_answer(Instant now) {
  WithFields<ResponseHead> head;
  Refusal why;
  ResponseHeadParser parser;
  const HeadState state = parser.parse(text_, false, head, why);
  if (state != HeadState::kComplete) return state != HeadState::kRefused;
  if (head.interim()) {
    ++interims_;
    text_.erase(0, head.bytes);
    return text_.empty() || begin_answer(now);
  }
  answers_.push_back({.status = head.status,
                      .request_id = value_of(head.fields, "x-request-id"),
                      .error_source = value_of(head.fields, "x-sluice-error-source"),
                      .body = {},
                      .close = value_of(head.fields, "connection") == "close",
                      .until_close = head.framing == BodyFraming::kUntilClose,
                      .began = now});
  decoder_.emplace(head.framing, head.content_length);
  text_.erase(0, head.bytes);
  return true;
}

bool SimAnswerReader::feed(std::string_view in, Instant now) {
  text_ += in;
  while (true) {
    if (!decoder_ && (text_.empty() || !begin_answer(now))) return text_.empty();
    if (!decoder_) return true;
    SimAnswer& answer = answers_.back();
    while (!decoder_->done() && !text_.empty()) {
      const BodyDecoder::Step step = decoder_->next(text_);
      if (step.malformed) return false;
      answer.body += step.payload;
      text_.erase(0, step.consumed);
    }
    answer.ended = now;
    if (!decoder_->done()) return true;
    answer.complete = true;
    ++complete_;
    decoder_.reset();
  }
}

void SimAnswerReader::end(Instant now) {
  if (!decoder_ || !decoder_->end()) return;
  answers_.back().complete = true;
  answers_.back().ended = now;
  ++complete_;
  decoder_.reset();
}

void SimClient::start(const std::string& address, Duration wait) {
  net().after(wait, [this, address] {
    const auto end = std::make_shared<SimEnd*>(nullptr);
    *end = &net().connect(address, [this, end](int os_errno) {
      refused_ = os_errno != 0;
      finished_ = refused_;
      if (refused_) return;
      attach(**end);
      ask();
      if (plan_.leaves != Then::kGoOn && plan_.leaves_after != Duration::max())
        net().after(plan_.leaves_after, [this] { leave(); });
    });
  });
}

void SimClient::ask() {
  while (asked_ < plan_.requests.size()) {
    const SimExchange& next = *plan_.requests[asked_++];
    const Duration think = asked_ == 1 || plan_.pipelined ? 0ms : between(prng(), 0ms, 50ms);
    say({.wait = think, .text = next.head()});
    // Who expects 100 waits a little for it.
    const Duration wait = next.expects ? between(prng(), 1ms, 40ms) : 0ms;
    say({.wait = wait, .text = next.framed_body(prng())});
    if (!plan_.pipelined || next.old) return;
  }
}

void SimClient::leave() {
  if (finished_ || gone()) return;
  has_left_ = true;
  net().log().note("client leaves", static_cast<std::int64_t>(plan_.leaves));
  do_now(plan_.leaves);
  // Who half-closes or stops reading is still there; the gateway ends it.
  if (gone() || plan_.leaves == Then::kStopReading) finished_ = true;
}

void SimClient::on_bytes(std::string_view bytes) {
  const std::size_t complete = reader_.complete();
  if (!garbled_ && !reader_.feed(bytes, net().clock().now())) garbled_ = true;
  received_ += bytes.size();
  if (plan_.leaves != Then::kGoOn && plan_.leaves_after == Duration::max() && !has_left_ &&
      received_ >= plan_.leaves_after_bytes) {
    leave();
    return;
  }
  if (reader_.complete() == complete) return;
  const SimAnswer& last = reader_.answers().back();
  if (reader_.complete() == plan_.requests.size() || (last.close && last.complete)) {
    if (plan_.stays) return;
    finished_ = true;
    do_now(Then::kClose);
  } else if (!plan_.pipelined && reader_.complete() == asked_) {
    ask();
  }
}

void SimClient::on_end(bool reset) {
  was_reset_ = reset;
  if (!reset) reader_.end(net().clock().now());
  finished_ = true;
  do_now(Then::kClose);
}

}  // namespace sluice
