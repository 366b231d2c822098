#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "base/prng.h"
#include "store/journal/journal_writer.h"
#include "store/journal/segment.h"
#include "store/journal/segment_reader.h"

namespace sluice {

// OwnedEvent - a usage event with texts of its own, to be compared with another.
struct OwnedEvent {
  UsageEvent event;  // without its texts
  std::string request_id, account, pool, client_key, model, native_model;

  OwnedEvent() = default;
  explicit OwnedEvent(const UsageEvent& from)
      : event(from),
        request_id(from.request_id),
        account(from.account),
        pool(from.pool),
        client_key(from.client_key),
        model(from.model),
        native_model(from.native_model) {}

  [[nodiscard]] UsageEvent view() const {
    UsageEvent out = event;
    out.request_id = request_id;
    out.account = account;
    out.pool = pool;
    out.client_key = client_key;
    out.model = model;
    out.native_model = native_model;
    return out;
  }

  friend bool operator==(const OwnedEvent& one, const OwnedEvent& other) {
    const auto numbers = [](UsageEvent e) {
      // Only a start tells what is reserved, and it tells of no tokens that were used.
      if (e.kind == UsageKind::kStart) {
        e.prompt_tokens = e.completion_tokens = e.total_tokens = 0;
        e.cached_read_tokens = e.cached_write_tokens = e.reasoning_tokens = 0;
      } else {
        e.reserved_tokens = e.client_reserved_tokens = 0;
      }
      return std::vector<std::uint64_t>{static_cast<std::uint64_t>(e.kind),
                                        e.flags,
                                        e.status,
                                        e.attempt,
                                        e.sequence,
                                        e.started_by,
                                        static_cast<std::uint64_t>(e.unix_ms),
                                        e.prompt_tokens,
                                        e.completion_tokens,
                                        e.total_tokens,
                                        e.cached_read_tokens,
                                        e.cached_write_tokens,
                                        e.reasoning_tokens,
                                        static_cast<std::uint64_t>(e.cost_nano_dollars),
                                        e.latency_us,
                                        e.first_token_us,
                                        e.sent_ms,
                                        e.queue_us,
                                        e.reserved_tokens,
                                        e.client_reserved_tokens};
    };
    return numbers(one.event) == numbers(other.event) && one.request_id == other.request_id &&
           one.account == other.account && one.pool == other.pool &&
           one.client_key == other.client_key && one.model == other.model &&
           one.native_model == other.native_model;
  }
};

// What a request of an ordinary client leaves.
inline OwnedEvent ordinary_event() {
  OwnedEvent out;
  out.event.flags = kUsageLast | kUsageStreamed;
  out.event.status = 200;
  out.event.attempt = 1;
  out.event.unix_ms = 1'700'000'000'000;
  out.event.prompt_tokens = 1'200;
  out.event.completion_tokens = 340;
  out.event.total_tokens = 1'540;
  out.event.cost_nano_dollars = 12'345'678;
  out.event.latency_us = 2'500'000;
  out.event.first_token_us = 300'000;
  out.request_id = "0123456789abcdef0123456789abcdef";
  out.account = "nvidia-1";
  out.pool = "primary";
  out.client_key = "team-a";
  out.model = "llama-3.3-70b";
  out.native_model = "meta/llama-3.3-70b-instruct";
  return out;
}

// Any event that is stored as it is; texts of all lengths, often from a small set of names.
inline OwnedEvent random_event(Prng& random) {
  const auto text = [&](std::size_t bytes_max) {
    if (random.below(4) != 0) return "name-" + std::to_string(random.below(12));
    std::string out(random.below(bytes_max + 1), ' ');
    for (char& c : out) c = static_cast<char>('!' + random.below(90));
    return out;
  };
  OwnedEvent out;
  UsageEvent& event = out.event;
  event.flags = static_cast<std::uint16_t>(random.next());
  event.status = static_cast<std::uint16_t>(random.next());
  event.attempt = static_cast<std::uint16_t>(random.next());
  event.unix_ms = static_cast<std::int64_t>(random.next());
  event.prompt_tokens = random.next() >> 32;
  event.completion_tokens = random.next() >> 32;
  event.total_tokens = random.next() >> 32;
  event.cached_read_tokens = random.next() >> 32;
  event.cached_write_tokens = random.next() >> 32;
  event.reasoning_tokens = random.next() >> 32;
  event.cost_nano_dollars = static_cast<std::int64_t>(random.next());
  event.latency_us = random.next() >> 24;
  event.first_token_us = random.next() >> 24;
  event.sent_ms = random.next() >> 40;
  event.queue_us = random.next() >> 24;
  event.reserved_tokens = random.next() >> 32;
  event.client_reserved_tokens = random.next() >> 32;
  out.request_id = text(kRequestIdBytesMax);
  out.account = text(kConfiguredNameBytesMax);
  out.pool = text(kConfiguredNameBytesMax);
  out.client_key = text(kConfiguredNameBytesMax);
  out.model = text(kModelBytesMax);
  out.native_model = text(kModelBytesMax);
  return out;
}

// MemorySegment - a segment in ordinary memory, as empty as a fresh file.
struct MemorySegment {
  explicit MemorySegment(std::uint32_t slots, std::uint64_t number = 1)
      : memory(slots * kSlotBytes) {
    segment.bytes = memory.data();
    segment.slots = slots;
    segment.number = number;
  }

  std::vector<std::byte> memory;
  Segment segment;
};

// Everything that can be read from the slots of one segment, as after a restart.
struct SegmentContent {
  std::vector<OwnedEvent> events;
  std::vector<SegmentReader::Damage> damage;
  std::uint64_t next_sequence = 0;
};
inline SegmentContent read_segment(std::span<const std::byte> bytes, std::uint64_t number) {
  SegmentContent out;
  const HeaderRead header = read_header(bytes.data(), number);
  const auto reader = std::make_unique<SegmentReader>();
  const bool taken = header.state == HeaderState::kTaken;
  reader->begin(bytes, number, taken ? header.first_sequence : 1, taken);
  const auto slots = static_cast<std::uint32_t>(bytes.size() / kSlotBytes);
  for (;;) {
    const auto step = reader->next(slots);
    if (step == SegmentReader::Step::kEnd) break;
    if (step == SegmentReader::Step::kRecord) out.events.emplace_back(reader->event());
    else out.damage.push_back(reader->damage());
  }
  out.next_sequence = reader->expected_sequence();
  return out;
}

}  // namespace sluice
