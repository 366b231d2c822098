#include "tools/mock/answer_head.h"

#include "parser/http1_common.h"
#include "parser/http_date.h"

namespace sluice {
namespace {

struct Reason {
  int status;
  const char* text;
};
constexpr Reason kReasons[] = {
    {100, "Continue"},
    {102, "Processing"},
    {103, "Early Hints"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {413, "Content Too Large"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {500, "Internal Server Error"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
};

std::string status_text(int status) {
  for (const Reason& reason : kReasons) {
    if (reason.status == status) return std::to_string(status) + " " + reason.text;
  }
  return std::to_string(status) + " Mock";
}

std::string status_line(int status, Malformed malformed, bool http10) {
  switch (malformed) {
    case Malformed::kStatusLine: return "HTTP/1.1 abc OK";
    case Malformed::kNoStatus: return "HTTP/1.1";
    case Malformed::kStatus99: return "HTTP/1.1 99 Low";
    case Malformed::kStatus1000: return "HTTP/1.1 1000 High";
    case Malformed::kVersion: return "HTTP/2.0 " + status_text(status);
    default: break;  // other kinds are not of the status line
  }
  return (http10 ? "HTTP/1.0 " : "HTTP/1.1 ") + status_text(status);
}

// FieldWriter - field lines with the line end of this answer.
class FieldWriter {
 public:
  FieldWriter(std::string& out, std::string_view line_end) : out_(out), line_end_(line_end) {}
  void add(std::string_view name, std::string_view value) {
    out_.append(name).append(": ").append(value).append(line_end_);
  }
  void line(std::string_view text) { out_.append(text).append(line_end_); }

 private:
  std::string& out_;
  std::string_view line_end_;
};

bool is_replaced(const HeadBehaviour& head, std::string_view name) {
  for (const MockField& field : head.fields) {
    if (equals_ignoring_case(field.name, name)) return true;
  }
  return false;
}

void add_malformed_fields(FieldWriter& writer, Malformed malformed) {
  constexpr std::size_t kHugeBytes = 64 * 1024;
  constexpr std::size_t kLongBytes = 20 * 1024;
  constexpr int kManyFields = 200;
  switch (malformed) {
    case Malformed::kHeaderNoColon: writer.line("x-mock-no-colon"); return;
    case Malformed::kHeaderSpace: writer.line("x-mock-space : value"); return;
    case Malformed::kHeaderFold: writer.line("x-mock-fold: one\r\n two"); return;
    case Malformed::kHeaderNul: writer.line(std::string_view("x-mock-nul: a\0b", 15)); return;
    case Malformed::kHeaderControl: writer.line("x-mock-control: a\x01z"); return;
    case Malformed::kHeaderName: writer.line("x-mock(name): value"); return;
    case Malformed::kBareCr: writer.line("x-mock-cr: a\rb"); return;
    case Malformed::kLongField: writer.add("x-mock-long", std::string(kLongBytes, 'l')); return;
    case Malformed::kManyFields:
      for (int i = 0; i < kManyFields; ++i) writer.add("x-mock-" + std::to_string(i), "many");
      return;
    case Malformed::kHugeHead:
      for (std::size_t bytes = 0; bytes < kHugeBytes; bytes += 1024) {
        writer.add("x-mock-huge", std::string(1024, 'h'));
      }
      return;
    default: return;  // other kinds are not of single fields
  }
}

// Content-Length as it is right, or as it is wrong.
void add_length(FieldWriter& writer, std::uint64_t length, Malformed malformed) {
  constexpr std::string_view kName = "content-length";
  const std::string digits = std::to_string(length);
  switch (malformed) {
    case Malformed::kTwoLengths:
      writer.add(kName, digits);
      writer.add(kName, std::to_string(length + 1));
      return;
    case Malformed::kLengthList: writer.add(kName, digits + ", " + digits); return;
    case Malformed::kLengthSign: writer.add(kName, "+" + digits); return;
    case Malformed::kLengthNegative: writer.add(kName, "-" + digits); return;
    case Malformed::kLengthText: writer.add(kName, digits + "x"); return;
    case Malformed::kLengthOverflow: writer.add(kName, "99999999999999999999"); return;
    default: writer.add(kName, digits); return;
  }
}

void add_framing(FieldWriter& writer, const HeadPlan& plan, Malformed malformed) {
  constexpr std::string_view kTe = "transfer-encoding";
  if (plan.bodiless) {
    if (malformed == Malformed::kBodilessLength) writer.add("content-length", "5");
    return;
  }
  switch (malformed) {
    case Malformed::kClTe:
      writer.add("content-length", std::to_string(plan.content_length));
      writer.add(kTe, "chunked");
      return;
    case Malformed::kTeUnknown: writer.add(kTe, "gzip, chunked"); return;
    case Malformed::kTeTwice:
      writer.add(kTe, "chunked");
      writer.add(kTe, "chunked");
      return;
    default: break;  // other kinds leave the framing alone, but for the length's own
  }
  if (plan.framing == WireFraming::kLength) add_length(writer, plan.content_length, malformed);
  else if (plan.framing == WireFraming::kChunked) writer.add(kTe, "chunked");
}

std::string http_date(std::int64_t unix_s) {
  std::string text(kHttpDateBytes, '\0');
  write_http_date(text.data(), unix_s);
  return text;
}

}  // namespace

std::string informational_head(int status) {
  std::string head = "HTTP/1.1 " + status_text(status) + "\r\n";
  if (status == 103) head += "link: </style.css>; rel=preload; as=style\r\n";
  return head + "\r\n";
}

std::string answer_head(const MockAnswer& answer, const Behaviour& behaviour,
                        const HeadPlan& plan) {
  const Malformed malformed = behaviour.fault.malformed;
  if (malformed == Malformed::kGarbage) return std::string("\x16\x03\x01 no HTTP\0 at all\xff", 20);
  const std::string_view line_end = malformed == Malformed::kBareLf ? "\n" : "\r\n";
  const bool http10 = plan.framing == WireFraming::kHttp10;
  std::string head;
  FieldWriter writer(head, line_end);
  writer.line(status_line(answer.status, malformed, http10));
  const HeadBehaviour& asked = behaviour.head;
  const auto add_ours = [&](std::string_view name, std::string_view value) {
    if (!value.empty() && !is_replaced(asked, name)) writer.add(name, value);
  };
  add_ours("date", http_date(plan.unix_s));
  add_ours("server", "sluice-mock");
  add_ours("content-type", answer.content_type);
  if (answer.stream) add_ours("cache-control", "no-cache");
  if (behaviour.wire.gzip) add_ours("content-encoding", "gzip");
  if (behaviour.wire.trailer) add_ours("trailer", "x-mock-trailer");
  for (const MockField& field : answer.fields) add_ours(field.name, field.value);
  for (const MockField& field : asked.fields) writer.add(field.name, field.value);
  add_malformed_fields(writer, malformed);
  if (!is_replaced(asked, "content-length")) add_framing(writer, plan, malformed);
  const bool close = plan.close || plan.framing == WireFraming::kClose;
  if (close && !http10) add_ours("connection", "close");
  writer.line("");
  return head;
}

}  // namespace sluice
