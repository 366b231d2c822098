// As fuzz_request_head, for the answers of providers; each input is also read as an answer to HEAD.

#include "parser/http1_response.h"

#include "tests/fuzz/head_promises.h"

namespace sluice {
namespace {

void check_accepted(std::string_view input, bool head_request, const ResponseHead& head) {
  check_fields(input.substr(0, head.bytes), head.fields);
  SL_ASSERT(head.status >= 100 && head.status <= 599 && head.status != 101);
  SL_ASSERT(find_control(head.reason, 0) == head.reason.size());
  const bool bodiless =
      head_request || head.status < 200 || head.status == 204 || head.status == 304;
  SL_ASSERT(bodiless == (head.framing == BodyFraming::kNone));
  SL_ASSERT(head.framing != BodyFraming::kUntilClose || head.close);
  SL_ASSERT(head.fields.find(FieldId::kContentLength) == nullptr ||
            head.fields.find(FieldId::kTransferEncoding) == nullptr);
}

void check(std::string_view input, bool head_request) {
  ResponseHeadParser whole_parser;
  WithFields<ResponseHead> whole;
  Refusal why;
  const HeadState state = whole_parser.parse(input, head_request, whole, why);
  if (state == HeadState::kComplete) check_accepted(input, head_request, whole);
  if (state == HeadState::kRefused) SL_ASSERT(why.status == 502 && !why.rule.empty());

  ResponseHeadParser parser;
  WithFields<ResponseHead> head;
  Refusal late_why;
  const HeadState late = parse_in_pieces(input, [&](std::string_view bytes) {
    return parser.parse(bytes, head_request, head, late_why);
  });
  SL_ASSERT(late == state);
  if (state == HeadState::kRefused) SL_ASSERT(late_why.message == why.message);
  if (state == HeadState::kComplete) {
    SL_ASSERT(head.bytes == whole.bytes && head.status == whole.status);
    SL_ASSERT(head.framing == whole.framing && head.content_length == whole.content_length);
    check_same_fields(head.fields, whole.fields);
  }
}

}  // namespace
}  // namespace sluice

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  sluice::check(input, false);
  sluice::check(input, true);
  return 0;
}
