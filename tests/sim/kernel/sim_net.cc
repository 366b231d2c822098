#include "tests/sim/kernel/sim_net.h"

#include <algorithm>
#include <cerrno>

namespace sluice {

std::size_t SimEnd::room() const {
  if (fin_wanted_ || reset_arrived_ || reset_sent_ || closed_) return 0;
  return outbox_max_ - outbox_.size();
}

std::size_t SimEnd::write(std::string_view bytes) {
  const std::size_t taken = std::min(bytes.size(), room());
  outbox_.append(bytes.substr(0, taken));
  transmit();
  return taken;
}

void SimEnd::finish() {
  fin_wanted_ = true;
  transmit();
}

void SimEnd::transmit() {
  if (vanished_ || reset_sent_ || reset_arrived_) return;
  while (!outbox_.empty()) {
    const std::size_t used = peer_->inbox_.size() - peer_->read_at_ + peer_->under_way_;
    if (used >= peer_->window_) break;
    constexpr std::size_t kSegmentMax = 16 * 1024;
    const std::size_t most = std::min({peer_->window_ - used, outbox_.size(), kSegmentMax});
    const std::size_t bytes = chance(net_->prng(), 300) ? between(net_->prng(), 1, most) : most;
    std::string segment = outbox_.substr(0, bytes);
    outbox_.erase(0, bytes);
    peer_->under_way_ += bytes;
    last_arrival_ = std::max(last_arrival_, net_->clock().now() + net_->latency());
    net_->at(last_arrival_,
             [peer = peer_, segment = std::move(segment)] { peer->arrive(segment); });
  }
  if (!outbox_.empty() || !fin_wanted_ || fin_sent_) return;
  fin_sent_ = true;
  last_arrival_ = std::max(last_arrival_, net_->clock().now() + net_->latency());
  net_->at(last_arrival_, [peer = peer_] { peer->arrive_end(); });
}

void SimEnd::notify() {
  if (watcher_ != nullptr) watcher_->on_change(*this);
}

void SimEnd::arrive(std::string_view segment) {
  if (vanished_ || reset_arrived_) return;  // the window stays shut
  if (closed_) {
    reset();
    return;
  }
  under_way_ -= segment.size();
  inbox_.append(segment);
  notify();
}

void SimEnd::arrive_end() {
  if (vanished_ || closed_ || reset_arrived_) return;
  fin_arrived_ = true;
  notify();
}

void SimEnd::arrive_reset() {
  if (vanished_ || reset_arrived_) return;
  reset_arrived_ = true;  // what lies in the inbox may still be read, as on Linux
  outbox_.clear();
  if (!closed_) notify();
}

void SimEnd::consume(std::size_t bytes) {
  read_at_ += bytes;
  if (read_at_ == inbox_.size()) {
    inbox_.clear();
    read_at_ = 0;
  }
  if (peer_->outbox_.empty()) return;
  net_->after(net_->latency(), [peer = peer_] {
    peer->transmit();
    peer->notify();
  });
}

void SimEnd::close() {
  if (closed_) return;
  const bool unread = !readable().empty();
  watcher_ = nullptr;
  closed_ = true;
  if (unread) reset();
  else finish();
}

void SimEnd::reset() {
  if (vanished_ || reset_sent_ || reset_arrived_) return;
  reset_sent_ = true;
  closed_ = true;
  watcher_ = nullptr;
  outbox_.clear();  // a reset takes back what has not left
  last_arrival_ = std::max(last_arrival_, net_->clock().now() + net_->latency());
  net_->at(last_arrival_, [peer = peer_] { peer->arrive_reset(); });
}

void SimNet::at(Instant instant, std::function<void()> run) {
  events_.emplace(std::pair(std::max(instant, clock_->now()), event_count_++), std::move(run));
}

void SimNet::run_due() {
  while (!events_.empty() && events_.begin()->first.first <= clock_->now()) {
    const auto node = events_.extract(events_.begin());
    node.mapped()();
  }
}

Duration SimNet::latency() {
  if (chance(prng_, faults_.slow_segment)) return between(prng_, 1ms, 30ms);
  return between(prng_, 20us, 400us);
}

SimEnd& SimNet::make_end() {
  ends_.push_back(std::make_unique<SimEnd>(*this, ends_.size()));
  SimEnd& end = *ends_.back();
  end.window_ = between(prng_, 500, faults_.socket_bytes_max);
  end.outbox_max_ = between(prng_, 500, faults_.socket_bytes_max);
  return end;
}

SimEnd& SimNet::connect(const std::string& address, std::function<void(int)> done) {
  SimEnd& near = make_end();
  SimEnd& far = make_end();
  near.peer_ = &far;
  far.peer_ = &near;
  const auto listener = listeners_.find(address);
  const Instant arrival = clock_->now() + latency();
  const Instant answer = arrival + latency();
  near.last_arrival_ = arrival;
  far.last_arrival_ = answer;
  if (listener == listeners_.end() || listener->second == nullptr) {
    at(answer, [done = std::move(done)] { done(ECONNREFUSED); });
    return near;
  }
  at(arrival, [taker = listener->second, &far] { taker->on_connection(far); });
  at(answer, [done = std::move(done)] { done(0); });
  return near;
}

}  // namespace sluice
