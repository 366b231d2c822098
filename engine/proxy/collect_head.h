#pragma once

#include <algorithm>
#include <cstring>

#include "base/arena.h"
#include "engine/net/stream.h"
#include "parser/http1_request.h"
#include "parser/http1_response.h"

namespace sluice {

// CollectedHead - a head that has arrived as a whole, copied into one piece of an arena: it is
// needed longer than the ring's buffers may be held.
struct CollectedHead {
  HeadState state = HeadState::kIncomplete;  // kIncomplete: the stream ended
  Refusal refusal;                           // for kRefused
  std::string_view text;                     // of the head
  std::string_view behind;  // of a request: bytes that were copied along from behind the head; in
                            // `rest` too
};

inline constexpr int kInterimMax = 10;  // interim answers before one: P1

// How much of a slice is copied in the hope that the head lies in it: usual heads and small bodies
// fit.
inline constexpr std::size_t kHeadCopyBytes = 3072;
// The same for an answer, of which nothing but the head is wanted here.
inline constexpr std::size_t kAnswerCopyBytes = 1024;
// A body that comes with its head is read as JSON where it lies: so many bytes follow it.
inline constexpr std::size_t kReadableBytes = 64;
// The longest head that a parser lets through: line, fields, their ends, and an empty line before.
inline constexpr std::size_t kHeadBytesMax = 8192 + 32768 + 8;

// `fields` in an arena, with room for no more.
[[nodiscard]] inline FieldList copy_fields(Arena& arena, const FieldList& fields) {
  if (fields.count == 0) return {};
  auto* const items =
      static_cast<Field*>(arena.allocate(fields.count * sizeof(Field), alignof(Field)));
  std::memcpy(static_cast<void*>(items), fields.items, fields.count * sizeof(Field));
  return {.items = items, .count = fields.count};
}

// ParseHead - the step that collect_head() takes: a parser, which writes the fields to the stack,
// from where those that there are get into the arena. A head is 4 KiB less there.
template <class Parser, class Head>
struct ParseHead {
  static constexpr bool kOfRequest = std::is_same_v<Head, RequestHead>;

  Parser parser;
  Head* head;
  Arena* arena;
  bool head_request = false;  // of an answer: it is one to HEAD, which has no body

  HeadState operator()(std::string_view bytes, Refusal& refusal, std::size_t& head_bytes) {
    FieldSpace space;
    head->fields = {.items = space.items};
    HeadState state;
    if constexpr (kOfRequest) state = parser.parse(bytes, *head, refusal);
    else state = parser.parse(bytes, head_request, *head, refusal);
    const bool complete = state == HeadState::kComplete;
    // What came behind an answer's head is not read here: it makes room for the fields.
    if (!kOfRequest && complete) {
      const char* const begin = bytes.data();
      arena->give_back(begin + head->bytes, begin + bytes.size() + kReadableBytes);
    }
    head->fields = complete ? copy_fields(*arena, head->fields) : FieldList();
    head_bytes = head->bytes;
    return state;
  }
};
using ParseRequest = ParseHead<RequestHeadParser, RequestHead>;
using ParseResponse = ParseHead<ResponseHeadParser, ResponseHead>;

// Reads a head from `stream`, beginning with what lies in `rest`; what belongs to the body is left
// there. At most `copy_bytes` of a slice are copied at a time. `parse(bytes, refusal)` is a step of
// a head parser; it returns the number of bytes of the head in `head_bytes`. Errors: those of
// read_some().
template <class Parse>
Task<Result<CollectedHead>> collect_head(Shard& shard, Stream& stream, Arena& arena, Slice& rest,
                                         Limits limits, Parse parse,
                                         std::size_t copy_bytes = kHeadCopyBytes) {
  CollectedHead collected;
  std::size_t capacity = copy_bytes;
  char* buffer = arena.bytes(capacity + kReadableBytes);
  std::size_t used = 0;
  while (true) {
    if (rest.empty()) rest = stream.take_received();
    if (rest.empty()) {
      Result<Slice> next;
      if (stream.tls() == nullptr) next = co_await stream.recv().next(limits);
      else next = co_await read_some(shard, stream, limits);
      if (!next) co_return std::unexpected(next.error());
      if (next->empty()) co_return collected;
      rest = std::move(*next);
    }
    if (used == capacity) {
      capacity = std::min(capacity * 4, kHeadBytesMax + copy_bytes);
      SL_ASSERT(used < capacity);  // the parser refuses longer heads
      char* const larger = arena.bytes(capacity + kReadableBytes);
      std::memcpy(larger, buffer, used);
      buffer = larger;
    }
    const std::size_t copied = std::min({std::size_t{rest.size()}, capacity - used, copy_bytes});
    std::memcpy(buffer + used, rest.data(), copied);
    const std::size_t before = used;
    used += copied;
    // What the head does not fill is for what comes behind it in the arena.
    char* const end = buffer + used + kReadableBytes;
    const bool given = arena.give_back(end, buffer + capacity + kReadableBytes);
    std::size_t head_bytes = 0;
    collected.state = parse(std::string_view(buffer, used), collected.refusal, head_bytes);
    if (collected.state == HeadState::kRefused) co_return collected;
    if (collected.state == HeadState::kComplete) {
      SL_ASSERT(head_bytes >= before);
      rest.drop_front(head_bytes - before);
      collected.text = std::string_view(buffer, head_bytes);
      if constexpr (Parse::kOfRequest)
        collected.behind = std::string_view(buffer + head_bytes, used - head_bytes);
      co_return collected;
    }
    rest.drop_front(copied);
    if (!given) continue;  // another account of the same request is asked, too
    char* const room = arena.bytes(capacity - used);
    SL_ASSERT(room == end);  // no field of half a head is kept
  }
}

}  // namespace sluice
