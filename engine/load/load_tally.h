#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "base/step_histogram.h"
#include "engine/llm/usage.h"

namespace sluice {

// To 0.2 %: differences between two set-ups are often a few percent. 160 KiB.
using LoadHistogram = StepHistogram<9>;

// LoadEnd - what became of one request.
enum class LoadEnd : std::uint8_t {
  kAnswered,     // by a complete answer, whatever its status
  kNotSent,      // no connection was free until its time was over
  kName,         // the host has no address
  kConnect,      // no connection
  kTls,          // no TLS on it
  kTimeout,      // sent, and no complete answer in time
  kClosed,       // the connection ended before an answer began
  kBroken,       // the answer is no HTTP
  kCut,          // the answer, or its stream, ended early
  kErrorEvent,   // the stream said that it failed
  kOurs,         // this machine had no descriptors, memory or ports left
  kInterrupted,  // the run was ended before
};
inline constexpr std::size_t kLoadEnds = 12;

// "connect", "timeout", ... as reports name it. Static storage.
[[nodiscard]] std::string_view load_end_name(LoadEnd end) noexcept;

// GatewayFields - what sluice tells of an answer in its own fields (docs/WIRE.md).
struct GatewayFields {
  std::string_view account;  // "": it was not told
  std::optional<std::uint64_t> queue_ms;
  std::optional<std::uint64_t> overhead_us;
  std::uint64_t attempts = 0;  // 0: it was not told
  bool degraded = false;
};

// LoadOutcome - one request, from the instant when it was due to its end. Instants that did not
// come are kNever. Views are read by LoadTally::note() alone.
struct LoadOutcome {
  LoadEnd end = LoadEnd::kAnswered;
  Error error = {};               // for ends other than kAnswered
  std::string_view failure = {};  // a sentence on it, "" when the code says it all
  int status = 0;                 // 0: no answer's head came
  bool stream = false;            // the answer was a stream of events
  Instant due{};
  Instant sent = kNever;           // the first byte was given to the kernel
  Instant first_content = kNever;  // of a stream
  Instant ended{};
  std::uint64_t content_events = 0;
  Usage usage = {};
  std::optional<Duration> retry_after = {};
  GatewayFields gateway = {};
};

// LoadTally - the sums of a run. Pure.
//
// Owns      about 2 MiB of histograms: on the heap.
// Affinity  one thread.
struct LoadTally {
  static constexpr std::size_t kAccountsMax = 1000;  // names that answers tell; the rest is one row

  // A request is about to be sent. It was due at `due`; until `held_until` all connections were in
  // use (an instant before `due`, when it was not held).
  void note_start(Instant due, Instant held_until, Instant now);
  void note_connection(Duration took) { connecting.add(took); }
  void note(const LoadOutcome& outcome);

  [[nodiscard]] std::uint64_t of(LoadEnd end) const noexcept {
    return ends[static_cast<std::size_t>(end)];
  }
  [[nodiscard]] std::uint64_t errors() const noexcept;
  [[nodiscard]] std::uint64_t ended() const noexcept;

  std::uint64_t started = 0;  // given a connection, or the wait for one to open
  std::array<std::uint64_t, kLoadEnds> ends{};
  std::array<std::string, kLoadEnds> samples;  // how the first of each was told
  std::map<int, std::uint64_t> statuses;       // of complete answers
  std::uint64_t retry_afters = 0;              // answers of 429 that say when to come again
  Duration retry_after_least{}, retry_after_most{};

  // Answers of 2xx; and requests that timed out, with the time that they had, for they took at
  // least that. From when they were due, and from when they were sent.
  LoadHistogram latency, service;
  LoadHistogram refused;  // other complete answers, from when they were due
  LoadHistogram first_content, first_content_service;
  LoadHistogram gaps;
  LoadHistogram held;        // how late requests were sent for want of a free connection
  LoadHistogram lag;         // how late, beyond that, for want of the generator; and its beats
  LoadHistogram connecting;  // names, TCP and TLS of each new connection

  // Of answers of 2xx.
  std::uint64_t streams = 0;
  std::uint64_t prompt_tokens = 0;
  std::uint64_t completion_tokens = 0;      // as told
  std::uint64_t usage_told = 0;             // answers that told what they used
  std::uint64_t content_events = 0;         // of streams
  std::uint64_t content_events_untold = 0;  // of those that did not tell

  // Of the gateway's fields.
  LoadHistogram queued, overhead;
  std::uint64_t attempts = 0;
  std::uint64_t attempts_told = 0;  // answers
  std::uint64_t degraded = 0;
  std::map<std::string, std::uint64_t, std::less<>> accounts;

 private:
  void note_answer(const LoadOutcome& outcome);
  void note_gateway(const GatewayFields& fields);
};

}  // namespace sluice
