#include "tools/mock/wire_plan.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "tools/mock/answer_head.h"
#include "tools/mock/gzip.h"

namespace sluice {
namespace {

// PlanWriter - puts steps together and watches for the points where the answer stalls or breaks
// off.
class PlanWriter {
 public:
  PlanWriter(const Behaviour& behaviour, WirePlan& plan)
      : fault_(behaviour.fault), wire_(behaviour.wire), plan_(plan) {}

  [[nodiscard]] bool stopped() const { return stopped_; }

  void pause(Duration by) { pause_ += by; }

  // A place was reached.
  void point(const Point& at) {
    if (stopped_) return;
    if (fault_.stall > Duration::zero() && fault_.stall_at == at) pause_ += fault_.stall;
    if (fault_.abort != Abort::kNone && fault_.abort_at == at) stop();
  }

  // Bytes that are no body: head, chunk heads. A byte at a time with `drip`.
  void raw(std::string_view bytes, Duration drip = Duration::zero()) {
    if (stopped_) return;
    if (drip > Duration::zero()) {
      for (const char byte : bytes) {
        pause_ += drip;
        append(std::string_view(&byte, 1));
      }
    } else {
      append(bytes);
    }
  }

  // Bytes of the body, counted.
  void body(std::string_view bytes) {
    while (!bytes.empty() && !stopped_) {
      std::size_t count = bytes.size();
      for (const Point* const at : {&fault_.abort_at, &fault_.stall_at}) {
        if (at->kind != Point::Kind::kByte || at->count <= body_bytes_) continue;
        count = std::min<std::size_t>(count, at->count - body_bytes_);
      }
      raw(bytes.substr(0, count), wire_.drip);
      body_bytes_ += count;
      bytes.remove_prefix(count);
      point(Point{Point::Kind::kByte, body_bytes_});
    }
  }

  // The next bytes go into a send of their own.
  void begin_send() { fresh_ = true; }
  void mark_head() {
    if (!stopped_ && !plan_.steps.empty()) plan_.steps.back().head_done = true;
  }
  void mark_answer() {
    if (!stopped_ && !plan_.steps.empty()) plan_.steps.back().answer_done = true;
  }

  // A stall or a pause may stand at the very end, before the connection breaks off.
  void finish() {
    if (pause_ > Duration::zero()) begin_step();
  }

 private:
  void begin_step() {
    plan_.steps.emplace_back().pause = std::exchange(pause_, Duration::zero());
    fresh_ = false;
  }

  void append(std::string_view bytes) {
    while (!bytes.empty()) {
      if (plan_.steps.empty() || fresh_ || pause_ > Duration::zero()) {
        begin_step();
      }
      std::string& step = plan_.steps.back().bytes;
      std::size_t count = bytes.size();
      if (wire_.write_bytes > 0) {
        count = std::min<std::size_t>(count, wire_.write_bytes - step.size());
        fresh_ = step.size() + count == wire_.write_bytes;
      }
      step += bytes.substr(0, count);
      bytes.remove_prefix(count);
    }
  }

  void stop() {
    finish();
    stopped_ = true;
    plan_.end = fault_.abort == Abort::kReset ? WireEnd::kReset : WireEnd::kCut;
  }

  const FaultBehaviour& fault_;
  const WireBehaviour& wire_;
  WirePlan& plan_;
  Duration pause_{0};
  std::uint64_t body_bytes_ = 0;
  bool fresh_ = false;
  bool stopped_ = false;
};

// "1f4\r\n", or what is wrong with it.
std::string chunk_head(std::size_t bytes, const Behaviour& behaviour) {
  char digits[24];
  std::snprintf(digits, sizeof(digits), "%zx", bytes);
  std::string head = digits;
  switch (behaviour.fault.malformed) {
    case Malformed::kChunkSize: return "zz\r\n";
    case Malformed::kChunkOverflow: return "fffffffffffffffff\r\n";
    case Malformed::kChunkSign: return "+" + head + "\r\n";
    case Malformed::kChunkLf: return head + "\n";
    default: break;  // other kinds are not of the chunks
  }
  if (behaviour.wire.chunk_extension) head += ";mock=\"an extension\"";
  return head + "\r\n";
}

// Writes one piece of the body: an event, or all of a JSON answer.
void write_piece(PlanWriter& writer, std::string_view piece, bool split, bool chunked,
                 const Behaviour& behaviour) {
  if (piece.empty()) return;
  if (chunked) writer.raw(chunk_head(piece.size(), behaviour));
  if (split && piece.size() > 1) {
    writer.body(piece.substr(0, piece.size() / 2));
    writer.begin_send();
    piece.remove_prefix(piece.size() / 2);
  }
  writer.body(piece);
  if (chunked && behaviour.fault.malformed != Malformed::kChunkNoCrlf) writer.raw("\r\n");
}

void write_body(PlanWriter& writer, const std::vector<std::string>& pieces, bool stream,
                bool chunked, const Behaviour& behaviour) {
  const Duration gap = stream ? behaviour.gap : Duration::zero();
  std::uint64_t events = 0;
  for (const std::string& piece : pieces) {
    if (events > 0) writer.pause(gap);
    write_piece(writer, piece, stream && behaviour.wire.sse_event_split, chunked, behaviour);
    writer.point(Point{Point::Kind::kEvent, ++events});
  }
  writer.point(Point{Point::Kind::kEnd, 0});
  if (!chunked || behaviour.fault.malformed == Malformed::kNoLastChunk) return;
  writer.raw(behaviour.wire.trailer ? "0\r\nx-mock-trailer: seen\r\n\r\n" : "0\r\n\r\n");
}

std::vector<std::string> body_pieces(const MockAnswer& answer, bool compressed) {
  std::vector<std::string> pieces;
  if (answer.stream) {
    for (const MockEvent& event : answer.events) pieces.push_back(event.text);
  } else {
    pieces.push_back(answer.body);
  }
  return compressed ? gzip_pieces(pieces) : pieces;
}

WireFraming chosen_framing(const MockAnswer& answer, const Behaviour& behaviour,
                           const WireRequest& request) {
  const WireFraming asked = behaviour.wire.framing;
  const bool chunked =
      asked == WireFraming::kChunked || (asked == WireFraming::kAuto && answer.stream);
  if (chunked && request.minor_version == 0) return WireFraming::kClose;  // RFC 9112 section 6.1
  if (asked == WireFraming::kAuto) return chunked ? WireFraming::kChunked : WireFraming::kLength;
  return asked;
}

WirePlan plan_raw(const Behaviour& behaviour) {
  WirePlan plan;
  PlanWriter writer(behaviour, plan);
  writer.pause(behaviour.latency);
  writer.point(Point{Point::Kind::kStart, 0});
  writer.raw(*behaviour.fault.raw, behaviour.wire.drip);
  writer.mark_answer();
  writer.finish();
  if (!writer.stopped()) plan.end = WireEnd::kClose;
  return plan;
}

}  // namespace

WirePlan plan_answer(const MockAnswer& answer, const Behaviour& behaviour,
                     const WireRequest& request, std::int64_t unix_s) {
  if (behaviour.fault.raw) return plan_raw(behaviour);
  WirePlan plan;
  plan.status = answer.status;
  const WireFraming framing = chosen_framing(answer, behaviour, request);
  const std::vector<std::string> pieces = body_pieces(answer, behaviour.wire.gzip);
  std::uint64_t length = 0;
  for (const std::string& piece : pieces) length += piece.size();
  const HeadPlan head{.framing = framing,
                      .content_length = length,
                      .bodiless = answer.status == 204 || answer.status == 304,
                      .close = request.close || behaviour.wire.close,
                      .unix_s = unix_s};
  PlanWriter writer(behaviour, plan);
  writer.pause(behaviour.latency);
  writer.point(Point{Point::Kind::kStart, 0});
  for (std::uint32_t i = 0; i < behaviour.head.informational_count; ++i) {
    writer.raw(informational_head(behaviour.head.informational_status));
    writer.begin_send();
  }
  writer.raw(answer_head(answer, behaviour, head), behaviour.wire.drip_head);
  writer.mark_head();
  writer.point(Point{Point::Kind::kHead, 0});
  if (!request.head_request && !head.bodiless) {
    write_body(writer, pieces, answer.stream, framing == WireFraming::kChunked, behaviour);
  }
  writer.mark_answer();
  if (!behaviour.fault.extra.empty()) {
    writer.pause(behaviour.fault.extra_after);
    writer.raw(behaviour.fault.extra);
  }
  writer.finish();
  if (writer.stopped()) return plan;
  const bool ends = head.close || behaviour.wire.close_silent || framing == WireFraming::kClose ||
                    framing == WireFraming::kHttp10 ||
                    behaviour.fault.malformed != Malformed::kNone;
  plan.end = ends ? WireEnd::kClose : WireEnd::kKeep;
  return plan;
}

}  // namespace sluice
