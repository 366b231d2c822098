#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "admin/metrics_view.h"
#include "tests/unit/route/route_fixture.h"

namespace sluice {

// MetricsSample - a gateway as its metrics see it: shards that count what a test says, and a
// directory.
class MetricsSample {
 public:
  explicit MetricsSample(std::size_t shards = 2) : shards_(shards) {
    publish({{.name = "team-a", .models = {{"gpt", "vendor/gpt"}}},
             {.name = "team-b", .pool = Pool::kFallback, .models = {{"gpt", "vendor/gpt"}}}});
  }

  // As a reload does.
  void publish(const std::vector<test::AccountRow>& rows) {
    directories_.push_back(std::make_unique<Directory>(test::make_directory(
        rows, Strategy::kOrdered, directories_.empty() ? nullptr : directories_.back().get())));
  }
  [[nodiscard]] const Directory& directory() const { return *directories_.back(); }
  [[nodiscard]] const Account& account(std::size_t position) const {
    return *directory().accounts[position];
  }
  [[nodiscard]] ShardMetrics& shard(std::size_t index) { return shards_[index].metrics; }
  [[nodiscard]] LadderCounters& ladder(std::size_t index) { return shards_[index].ladder; }

  // A request that this account of the directory has answered.
  void served(std::size_t shard, std::size_t position, std::uint16_t code) {
    const Account& by = account(position);
    shards_[shard].metrics.count_request({.model = directory().find_route("gpt")->label,
                                          .account = by.label,
                                          .pool = pool_label(by.pool),
                                          .code = code});
  }

  // To be changed before text().
  MetricsView view{.now = test::kStart, .uptime = 90s, .version = "1.2.3"};

  [[nodiscard]] std::string text(MetricsFormat format = MetricsFormat::kText) {
    const std::vector<ShardFigures> figures = this->figures();
    view.shards = figures;
    if (view.directory == nullptr) view.directory = &directory();
    std::string out;
    write_metrics(view, format, out);
    view.directory = nullptr;
    return out;
  }
  [[nodiscard]] std::vector<ShardFigures> figures() const {
    std::vector<ShardFigures> figures;
    for (const CountingShard& shard : shards_) figures.push_back({&shard.metrics, &shard.ladder});
    return figures;
  }

 private:
  struct CountingShard {
    ShardMetrics metrics;
    LadderCounters ladder;
  };
  std::deque<CountingShard> shards_;
  std::vector<std::unique_ptr<Directory>> directories_;
};

// The value of the sample that begins so ("name{labels}"), "" when there is none.
inline std::string value_of(std::string_view text, std::string_view sample) {
  const std::string wanted = "\n" + std::string(sample) + " ";
  const std::size_t at = text.find(wanted);
  if (at == std::string_view::npos) return {};
  const std::size_t begin = at + wanted.size();
  return std::string(text.substr(begin, text.find('\n', begin) - begin));
}

}  // namespace sluice
