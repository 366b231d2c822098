#include "engine/llm/usage_tap.h"

#include <algorithm>
#include <array>

namespace sluice {

namespace {

constexpr std::string_view kDone = "[DONE]";
constexpr std::uint8_t kNotDone = 0xff;

// The types of the events behind which nothing comes any more.
constexpr std::array<std::string_view, 4> kLastTypes = {"message_stop", "response.completed",
                                                        "response.incomplete", "response.failed"};

std::int64_t tokens_in(std::uint64_t bytes) noexcept {
  return static_cast<std::int64_t>((bytes + 3) / 4);
}

}  // namespace

void UsageTap::watch(std::string_view bytes) {
  bytes_ += bytes.size();
  if (kind_ == AnswerKind::kJson) scan_.feed(bytes);
  if (kind_ != AnswerKind::kEventStream) {
    in_data_ = bytes_ != 0;
    return;
  }
  while (!bytes.empty()) {
    const SseReader::Step step = reader_.next(bytes);
    if (!step.data.empty()) watch_data(step.data, step.event_end && !in_data_);
    if (step.event_end) end_event();
    bytes.remove_prefix(step.consumed);
  }
}

// `whole`: all there is in this event.
void UsageTap::watch_data(std::string_view data, bool whole) {
  in_data_ = true;
  if (done_matched_ < kDone.size()) {
    // The SDKs look only at how the payload begins.
    const std::string_view due = kDone.substr(done_matched_, data.size());
    done_matched_ =
        data.starts_with(due) ? static_cast<std::uint8_t>(done_matched_ + due.size()) : kNotDone;
  }
  if (!whole || AnswerScan::may_tell(data)) scan_.feed(data);
}

void UsageTap::end_event() {
  if (!in_data_) return;
  const bool last =
      std::find(kLastTypes.begin(), kLastTypes.end(), scan_.type()) != kLastTypes.end();
  const bool done = done_matched_ == kDone.size();
  end_seen_ = end_seen_ || last || done;
  if (!done) ++data_events_;
  done_matched_ = 0;
  in_data_ = false;
  scan_.restart();
}

Usage UsageTap::usage(std::uint64_t request_bytes) const noexcept {
  Usage out = scan_.counts().usage();
  if (out.seen) return out;
  out.estimated = true;
  out.prompt = tokens_in(request_bytes);
  out.completion = kind_ == AnswerKind::kEventStream ? static_cast<std::int64_t>(data_events_)
                                                     : tokens_in(bytes_);
  out.total = out.prompt + out.completion;
  return out;
}

}  // namespace sluice
