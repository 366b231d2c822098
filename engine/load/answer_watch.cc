#include "engine/load/answer_watch.h"

#include <algorithm>

#include "engine/load/content_event.h"

namespace sluice {

void AnswerWatch::watch(std::string_view bytes, Instant now) {
  tap_.watch(bytes);
  if (!is_stream()) return;
  while (!bytes.empty()) {
    const SseReader::Step step = reader_.next(bytes);
    bytes.remove_prefix(step.consumed);
    if (step.event_end && part_.empty()) {
      look_at(step.data, now);
      continue;
    }
    part_.append(step.data.substr(0, std::min(step.data.size(), kEventBytesMax - part_.size())));
    if (!step.event_end) continue;
    look_at(part_, now);
    part_.clear();
  }
}

void AnswerWatch::look_at(std::string_view event, Instant now) {
  if (event.empty()) return;  // a comment, or a blank line too many
  failed_ = failed_ || is_error_event(event);
  if (!has_content(api_, event)) return;
  ++content_events_;
  if (last_content_ == kNever) first_content_ = now;
  else gaps_->add(now - last_content_);
  last_content_ = now;
}

}  // namespace sluice
