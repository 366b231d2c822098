// A request head gives the same result whole and in pieces, and what is accepted keeps the promises
// that everything behind the parser relies on.

#include "parser/http1_request.h"

#include "tests/fuzz/head_promises.h"

namespace sluice {
namespace {

void check_accepted(std::string_view input, const RequestHead& head) {
  check_fields(input.substr(0, head.bytes), head.fields);
  SL_ASSERT(head.bytes <= input.size());
  SL_ASSERT(input.substr(0, head.bytes).ends_with("\r\n\r\n"));
  SL_ASSERT(is_token(head.method_text));
  SL_ASSERT(find_target_end(head.target, 0) == head.target.size());
  SL_ASSERT(!head.path.empty() && (head.path.front() == '/' || head.path == "*"));
  SL_ASSERT(head.method != Method::kConnect && head.method != Method::kTrace);
  SL_ASSERT(!head.host.empty() || head.minor_version == 0);
  SL_ASSERT(head.framing != BodyFraming::kUntilClose);
  SL_ASSERT(head.close || head.minor_version == 1);
  const bool length = head.fields.find(FieldId::kContentLength) != nullptr;
  const bool coding = head.fields.find(FieldId::kTransferEncoding) != nullptr;
  SL_ASSERT(!(length && coding));
  SL_ASSERT(length == (head.framing == BodyFraming::kLength));
  SL_ASSERT(coding == (head.framing == BodyFraming::kChunked));
}

}  // namespace
}  // namespace sluice

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace sluice;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  RequestHeadParser whole_parser;
  WithFields<RequestHead> whole;
  Refusal why;
  const HeadState state = whole_parser.parse(input, whole, why);
  if (state == HeadState::kComplete) check_accepted(input, whole);
  if (state == HeadState::kRefused) SL_ASSERT(why.status >= 400 && !why.rule.empty());

  RequestHeadParser parser;
  WithFields<RequestHead> head;
  Refusal late_why;
  const HeadState late = parse_in_pieces(
      input, [&](std::string_view bytes) { return parser.parse(bytes, head, late_why); });
  SL_ASSERT(late == state);
  if (state == HeadState::kRefused) SL_ASSERT(late_why.message == why.message);
  if (state == HeadState::kComplete) {
    SL_ASSERT(head.bytes == whole.bytes && head.target == whole.target && head.host == whole.host);
    SL_ASSERT(head.framing == whole.framing && head.content_length == whole.content_length);
    check_same_fields(head.fields, whole.fields);
  }
  return 0;
}
