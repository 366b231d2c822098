#include "tests/sim/kernel/sim_provider.h"

#include <algorithm>

namespace sluice {
namespace {

struct MannerRow {
  SimManner manner;
  std::uint32_t weight;
};

// What is not good, by how often.
constexpr MannerRow kBadManners[] = {
    {SimManner::kRefuses, 30}, {SimManner::kEarlyRefusal, 10}, {SimManner::kBreaks, 30},
    {SimManner::kGarbage, 5},  {SimManner::kSilent, 5},        {SimManner::kDeaf, 5},
    {SimManner::kTalksOn, 15},
};

SimManner draw_bad(Prng& prng) {
  std::uint64_t sum = 0;
  for (const MannerRow& row : kBadManners) sum += row.weight;
  std::uint64_t at = prng.below(sum);
  for (const MannerRow& row : kBadManners) {
    if (at < row.weight) return row.manner;
    at -= row.weight;
  }
  return SimManner::kGood;
}

}  // namespace

void SimProvider::on_connection(SimEnd& end) {
  connections_.push_back(
      std::make_unique<SimProviderConnection>(*net_, prng_.next(), *book_, *this));
  SimProviderConnection& connection = *connections_.back();
  if (chance(prng_, 150)) connection.writes = {.bytes_max = 50, .gap_max = 2ms};
  if (chance(prng_, 150)) connection.reads = {.bytes_max = 400, .gap_max = 2ms};
  connection.attach(end);
}

bool SimProvider::was_asked_too_often(std::uint32_t limit, Duration window) const {
  for (std::size_t i = limit; i < asked_at_.size(); ++i) {
    if (asked_at_[i] - asked_at_[i - limit] < window) return true;
  }
  return false;
}

void SimProviderConnection::find(const std::string& what) {
  book_->findings.push_back("provider, " + (exchange_ == nullptr ? "?" : exchange_->id) + ": " +
                            what);
}

void SimProviderConnection::on_bytes(std::string_view bytes) {
  if (stops_) return;
  if (answering_ && manner_ == SimManner::kGood) find("bytes came while it answered");
  text_ += bytes;
  if (!decoder_ && !begin_request()) return;
  while (!decoder_->done() && !text_.empty()) {
    const BodyDecoder::Step step = decoder_->next(text_);
    if (step.malformed) find("a malformed body");
    body_ += step.payload;
    text_.erase(0, step.consumed);
  }
  if (decoder_->done()) end_request();
}

// False while the head is not complete.
bool SimProviderConnection::begin_request() {
  WithFields<RequestHead> head;
  Refusal why;
  RequestHeadParser parser;
  const HeadState state = parser.parse(text_, head, why);
  if (state == HeadState::kRefused) find("a malformed head: " + std::string(why.message));
  if (state != HeadState::kComplete) return false;
  const Field* const id = head.fields.find(FieldId::kXRequestId);
  const auto found = book_->exchanges.find(id == nullptr ? std::string_view{} : id->value);
  if (found == book_->exchanges.end()) {
    find("a request that nobody has asked");
    stops_ = true;
    return false;
  }
  exchange_ = found->second;
  ++exchange_->attempts;
  provider_->note_asked();
  if (exchange_->good_said && !book_->hedges) find("asked again after it had answered well");
  decoder_.emplace(head.framing, head.content_length);
  body_.clear();
  text_.erase(0, head.bytes);
  plan_manner();
  return true;
}

// Some things are done before the body has come.
void SimProviderConnection::plan_manner() {
  manner_ = chance(prng(), net().faults().bad_answer) ? draw_bad(prng()) : SimManner::kGood;
  net().log().note("provider", static_cast<std::int64_t>(manner_), exchange_->attempts);
  if (manner_ == SimManner::kEarlyRefusal) refuse(400);
  if (manner_ == SimManner::kDeaf) do_now(Then::kStopReading);
  const bool speaks = manner_ == SimManner::kGood || manner_ == SimManner::kBreaks;
  if (speaks && chance(prng(), 100)) {
    const bool own = chance(prng(), 500);
    say({.text = own ? "HTTP/1.1 100 Continue\r\n\r\n"
                     : "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n"});
  }
}

void SimProviderConnection::end_request() {
  if (manner_ != SimManner::kEarlyRefusal && body_ != exchange_->native_body())
    find("the request is not what the client asked");
  decoder_.reset();
  answering_ = true;
  switch (manner_) {
    case SimManner::kGood:
    case SimManner::kBreaks:
    case SimManner::kTalksOn: answer_well(); return;
    case SimManner::kRefuses: refuse(chance(prng(), 500) ? 429 : 500); return;
    case SimManner::kGarbage:
      say({.text = "SMTP 220 hello\r\n\r\n",
           .then = chance(prng(), 500) ? Then::kClose : Then::kGoOn});
      exchange_->broken_by_provider = true;
      return;
    case SimManner::kEarlyRefusal:
    case SimManner::kSilent:
    case SimManner::kDeaf: return;
  }
}

void SimProviderConnection::answer_well() {
  ++exchange_->good_answers;
  say_answer("HTTP/1.1 200 OK\r\n", exchange_->provider_answer(), exchange_->stream);
}

void SimProviderConnection::refuse(int status) {
  std::string line = "HTTP/1.1 " + std::to_string(status) + " No\r\n";
  if (status == 429 && chance(prng(), 300)) line += "retry-after: 1\r\n";
  say_answer(line, exchange_->error_document(status), false);
}

void SimProviderConnection::say_answer(const std::string& status_line, const std::string& body,
                                       bool event_stream) {
  std::string head = status_line +
                     "content-type: " + (event_stream ? "text/event-stream" : "application/json") +
                     "\r\n";
  const bool early = manner_ == SimManner::kEarlyRefusal;
  const std::uint64_t framing = prng().below(10);
  bool ends = early || chance(prng(), 100);  // the connection, with this answer
  std::string framed = body;
  if (framing < 4) {
    head += "content-length: " + std::to_string(body.size()) + "\r\n";
  } else if (framing < 8) {
    head += "transfer-encoding: chunked\r\n";
    framed = chunk(body, prng(), true);
  } else {
    ends = true;
  }
  const bool tells = ends && chance(prng(), 700);
  if (tells) head += "connection: close\r\n";
  std::string text = head + "\r\n" + framed;
  Then then = ends ? (early ? Then::kFinish : Then::kClose) : Then::kGoOn;
  // Who closes without a word between two answers may lose the next request: not when all is calm.
  const bool surprising = ends && !tells && framing < 8 && !early;
  if (surprising && net().faults().bad_answer == 0) then = Then::kGoOn;
  if (manner_ == SimManner::kTalksOn && framing < 8) text += "and another thing";
  if (manner_ == SimManner::kBreaks) {
    exchange_->broken_by_provider = true;
    text.resize(prng().below(text.size()));
    constexpr Then kEnds[] = {Then::kClose, Then::kReset, Then::kVanish, Then::kGoOn};
    then = kEnds[prng().below(std::size(kEnds))];
    // Of two that were asked at once the client may have got either.
    if (framing >= 8 && then == Then::kClose) exchange_->cut_without_a_trace = true;
  }
  stops_ = stops_ || then != Then::kGoOn || manner_ == SimManner::kTalksOn;
  say_in_pieces(text, then);
}

// In up to four pieces with pauses, some of them long enough for a comment in a stream.
void SimProviderConnection::say_in_pieces(const std::string& text, Then then) {
  std::size_t at = 0;
  // The last piece is not empty: what is said is said when its step is over.
  for (std::uint64_t pieces = between(prng(), 1, 4); pieces > 1 && at < text.size(); --pieces) {
    const std::size_t bytes = prng().below(text.size() - at);
    const Duration wait =
        chance(prng(), 30) ? between(prng(), 1s, 12s) : between(prng(), 0ms, 20ms);
    say({.wait = wait, .text = text.substr(at, bytes)});
    at += bytes;
  }
  say({.wait = between(prng(), 0ms, 5ms), .text = text.substr(at), .then = then});
}

void SimProviderConnection::on_step_said() {
  if (!all_said() || !answering_) return;
  if (manner_ == SimManner::kGood || manner_ == SimManner::kTalksOn) exchange_->good_said = true;
  answering_ = manner_ == SimManner::kBreaks;
}

}  // namespace sluice
