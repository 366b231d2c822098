#include "tests/sim/kernel/sim_peer.h"

#include <algorithm>

namespace sluice {

void SimPeer::attach(SimEnd& end) {
  end_ = &end;
  end.watch(this);
  on_change(end);
}

void SimPeer::say(Step step) {
  script_.push_back(std::move(step));
  if (script_.size() == 1) plan_writing(script_.front().wait);
}

void SimPeer::do_now(Then then) {
  if (end_ == nullptr) return;
  switch (then) {
    case Then::kGoOn: return;
    case Then::kFinish: end_->finish(); return;
    case Then::kStopReading: stopped_reading_ = true; return;
    case Then::kClose: end_->close(); break;
    case Then::kReset: end_->reset(); break;
    case Then::kVanish: end_->vanish(); break;
  }
  end_ = nullptr;
  script_.clear();
}

void SimPeer::on_change(SimEnd&) {
  plan_reading();
  plan_writing(Duration::zero());
}

void SimPeer::plan_reading() {
  if (end_ == nullptr || reading_planned_ || stopped_reading_) return;
  const bool over = end_->at_end() || end_->broken();
  if (end_->readable().empty() && (!over || end_told_)) return;
  reading_planned_ = true;
  const Duration gap = between(prng_, 0ns, reads.gap_max);
  net_->after(gap, [this] { read(); });
}

void SimPeer::read() {
  reading_planned_ = false;
  if (end_ == nullptr || stopped_reading_) return;
  const std::string_view ready = end_->readable();
  if (!ready.empty()) {
    const std::size_t most = std::min(ready.size(), reads.bytes_max);
    const std::string bytes(ready.substr(0, between(prng_, 1, most)));
    end_->consume(bytes.size());
    on_bytes(bytes);
  } else if (!end_told_ && (end_->at_end() || end_->broken())) {
    end_told_ = true;
    on_end(end_->broken());
  }
  plan_reading();
}

void SimPeer::plan_writing(Duration wait) {
  if (end_ == nullptr || writing_planned_ || script_.empty()) return;
  const bool nothing_to_do = waited_ && said_ < script_.front().text.size() && end_->room() == 0;
  if (nothing_to_do) return;  // on_change() tells when there is room
  writing_planned_ = true;
  net_->after(wait, [this] { write(); });
}

void SimPeer::write() {
  writing_planned_ = false;
  if (end_ == nullptr || script_.empty()) return;
  waited_ = true;
  const Step& step = script_.front();
  const std::string_view left = std::string_view(step.text).substr(said_);
  if (!left.empty()) {
    const std::size_t most = std::min(left.size(), writes.bytes_max);
    said_ += end_->write(left.substr(0, between(prng_, 1, most)));
  }
  if (said_ == step.text.size()) {
    const Then then = step.then;
    script_.pop_front();
    said_ = 0;
    waited_ = false;
    on_step_said();
    do_now(then);
    if (!script_.empty()) plan_writing(script_.front().wait);
    return;
  }
  plan_writing(between(prng_, 0ns, writes.gap_max));
}

}  // namespace sluice
