#include "tools/mock/request_reader.h"

#include <algorithm>

#include "parser/chunked.h"

namespace sluice {
namespace {

constexpr Duration kReadPatience = 120s;           // a head or a body that has begun
constexpr std::size_t kBodyBytesMax = 256u << 20;  // more is no test of anything

// Appends what comes next; false at the end, at an error and after the deadline.
Task<bool> read_more(Shard& shard, MockConnection& connection, Instant deadline) {
  const Limits limits{.deadline = deadline, .cancel = &connection.cancel};
  Result<Slice> slice = co_await read_some(shard, connection.stream, limits);
  if (!slice || slice->empty()) co_return false;
  connection.input += slice->view();
  co_return true;
}

// Takes the decoded bytes out of the input; true when the body is whole.
bool take_chunks(ChunkedDecoder& decoder, std::string& input, MockRequest& request) {
  std::string_view left = input;
  while (!left.empty() && !decoder.done()) {
    const ChunkedDecoder::Step step = decoder.next(left);
    if (step.state == ChunkedDecoder::Step::kMalformed) {
      request.body_malformed = true;
      return false;
    }
    request.body += step.payload;
    left.remove_prefix(step.consumed);
  }
  input.erase(0, input.size() - left.size());
  return decoder.done();
}

}  // namespace

Task<std::optional<MockRequest>> read_request_head(Shard& shard, MockConnection& connection,
                                                   Refusal& why) {
  const Duration keep_alive = connection.state.script()->keep_alive;
  const Instant idle_end = shard.now() + connection.idle_max.value_or(keep_alive);
  connection.idle_max.reset();
  while (true) {
    WithFields<RequestHead> head;
    switch (connection.parser.parse(connection.input, head, why)) {
      case HeadState::kComplete: {
        MockRequest request = request_from_head(head, connection.input);
        request.connection = connection.number;
        request.body.reserve(std::min<std::size_t>(head.content_length, kBodyBytesMax));
        connection.input.erase(0, head.bytes);
        request.content_length = head.content_length;
        co_return request;
      }
      case HeadState::kRefused: co_return std::nullopt;
      case HeadState::kIncomplete: break;
    }
    const bool idle = connection.parser.idle();
    const Instant deadline = idle ? idle_end : shard.now() + kReadPatience;
    const bool more = co_await read_more(shard, connection, deadline);
    if (!more) co_return std::nullopt;
  }
}

Task<bool> read_request_body(Shard& shard, MockConnection& connection, MockRequest& request) {
  std::string& input = connection.input;
  ChunkedDecoder decoder;
  while (true) {
    if (request.framing == BodyFraming::kChunked) {
      if (take_chunks(decoder, input, request)) co_return true;
      if (request.body_malformed || request.body.size() > kBodyBytesMax) co_return false;
    } else {
      const std::size_t wanted = request.content_length - request.body.size();
      const std::size_t count = std::min(wanted, input.size());
      request.body.append(input, 0, count);
      input.erase(0, count);
      if (count == wanted) co_return true;
    }
    const bool more = co_await read_more(shard, connection, shard.now() + kReadPatience);
    if (!more) co_return false;
  }
}

}  // namespace sluice
