#include "store/usage_groups.h"

#include <algorithm>
#include <compare>
#include <tuple>
#include <unordered_map>
#include <unordered_set>

#include "store/hour_walk.h"
#include "store/names.h"

namespace sluice {
namespace {

// GroupKey - where a row of usage_hourly is summed up.
struct GroupKey {
  std::uint32_t hour = 0;
  std::uint32_t number = 0;  // of the name
  bool others = false;

  friend bool operator==(const GroupKey&, const GroupKey&) = default;
};
struct GroupKeyHash {
  std::size_t operator()(const GroupKey& key) const noexcept {
    const std::uint64_t bits = std::uint64_t{key.hour} << 32 | key.number;
    return std::hash<std::uint64_t>()(bits * 2 + (key.others ? 1 : 0));
  }
};
using Sums = std::unordered_map<GroupKey, UsageSums, GroupKeyHash>;

std::uint32_t number_of(const HourlyKey& key, std::optional<UsageSide> side) noexcept {
  if (!side) return 0;
  switch (*side) {
    case UsageSide::kAccount: return key.account;
    case UsageSide::kModel: return key.model;
    case UsageSide::kClientKey: return key.client_key;
    case UsageSide::kAll:
    case UsageSide::kStatus: break;
  }
  return 0;
}

std::uint32_t begin_of(std::uint32_t hour, UsageSpan span) noexcept {
  switch (span) {
    case UsageSpan::kWhole: return 0;
    case UsageSpan::kHour: return hour;
    case UsageSpan::kDay: return day_of_hour(hour) * kDayHours;
  }
  return 0;
}

std::uint64_t measure(const UsageSums& sums, UsageMeasure by) noexcept {
  switch (by) {
    case UsageMeasure::kRequests: return sums.requests;
    case UsageMeasure::kTotalTokens: return sums.total_tokens;
    case UsageMeasure::kCost: return sums.cost_nano_dollars;
  }
  return 0;
}

// GroupSearch - one query. Where the groups of all names are too many to choose the largest among
// them, it reads the names' sums first, and then only the groups of the largest.
class GroupSearch {
 public:
  GroupSearch(StoreEnvironment& environment, const UsageQuery& query)
      : environment_(&environment), query_(&query) {}

  StoreResult<UsageGroups> run() {
    answer_.from_hour = query_->from_hour;
    const bool apart = query_->top > 0 && query_->side;
    SL_STORE_TRY(read(query_->span));
    if (apart && sums_.size() >= query_->groups_max) SL_STORE_TRY(read_twice());
    else if (apart) collapse();
    SL_STORE_TRY(name_groups());
    std::ranges::sort(answer_.groups, std::ranges::less(), [](const UsageGroup& group) {
      return std::tuple(group.hour, group.others, UINT64_MAX - group.sums.requests,
                        UINT64_MAX - group.sums.attempts, std::string_view(group.name));
    });
    return std::move(answer_);
  }

 private:
  StoreResult<void> read(UsageSpan span) {
    std::size_t looked_at = 0;
    std::uint32_t earliest = query_->to_hour;
    return walk_hours(
        *environment_,
        {.from_hour = answer_.from_hour, .to_hour = query_->to_hour, .names = query_->names},
        [&](std::uint32_t hour) {
          if (looked_at >= query_->rows_max || sums_.size() >= query_->groups_max) {
            answer_.from_hour = earliest;
            answer_.truncated = true;
            return false;
          }
          earliest = hour;
          return true;
        },
        [&](const HourlyKey& key, const UsageSums& row) {
          const GroupKey group{.hour = begin_of(key.hour, span),
                               .number = number_of(key, query_->side)};
          sums_[place_of(group)].add(row);
        },
        &looked_at);
  }

  StoreResult<void> read_twice() {
    answer_.from_hour = query_->from_hour;
    answer_.truncated = false;
    sums_.clear();
    SL_STORE_TRY(read(UsageSpan::kWhole));
    choose_largest();
    sums_.clear();
    return read(query_->span);
  }

  void collapse() {
    choose_largest();
    Sums all;
    std::swap(all, sums_);
    for (const auto& [key, sums] : all) sums_[place_of(key)].add(sums);
  }

  // Its own group, or the others'.
  [[nodiscard]] GroupKey place_of(const GroupKey& group) const {
    if (!largest_ || largest_->contains(group.number)) return group;
    return {.hour = group.hour, .number = 0, .others = true};
  }

  void choose_largest() {
    std::unordered_map<std::uint32_t, UsageSums> whole;
    for (const auto& [key, sums] : sums_) whole[key.number].add(sums);
    std::vector<std::pair<std::uint64_t, std::uint32_t>> names;
    for (const auto& [number, sums] : whole)
      names.emplace_back(UINT64_MAX - measure(sums, query_->top_by), number);
    std::ranges::sort(names);  // of equals the one that was known first
    largest_.emplace();
    for (const auto& [_, number] : names) {
      if (largest_->size() == query_->top) break;
      largest_->insert(number);
    }
  }

  StoreResult<void> name_groups() {
    const auto transaction = environment_->read();
    if (!transaction) return store_fail(transaction.error());
    NameTexts texts;
    answer_.groups.reserve(sums_.size());
    for (const auto& [key, sums] : sums_) {
      UsageGroup& group = answer_.groups.emplace_back();
      group.hour = key.hour;
      group.others = key.others;
      group.sums = sums;
      answer_.total.add(sums);
      SL_STORE_TRY(texts.write(*transaction, {{key.number, &group.name}}));
    }
    return {};
  }

  StoreEnvironment* environment_;
  const UsageQuery* query_;
  Sums sums_;
  std::optional<std::unordered_set<std::uint32_t>> largest_;
  UsageGroups answer_;
};

}  // namespace

StoreResult<UsageGroups> group_usage(StoreEnvironment& environment, const UsageQuery& query) {
  return GroupSearch(environment, query).run();
}

}  // namespace sluice
