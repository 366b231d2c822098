#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "store/account_rows.h"
#include "store/vault/rotation.h"
#include "store/writer.h"

namespace sluice {

// SealedRows - the sealed fields of the store, for a change of the master key. What is changed is
// kept until commit() writes it in one transaction.
//
// Affinity  the Writer's thread.
class SealedRows final : public SealedFields {
 public:
  explicit SealedRows(Writer& writer) : writer_(&writer) {}

  Result<std::vector<SealedField>> page(std::string_view after, std::size_t max) override;
  Result<void> replace(const SealedField& field, std::string_view sealed) override;
  Result<std::optional<RotationState>> rotation() override;
  Result<void> set_rotation(const std::optional<RotationState>& state) override;
  Result<std::string> key_check() override;
  Result<void> set_key_check(std::string_view value) override;
  Result<void> commit() override;

  // What the store said when one of these failed.
  [[nodiscard]] const std::optional<StoreError>& failure() const noexcept { return failure_; }

 private:
  std::unexpected<Error> fail(const StoreError& error);
  [[nodiscard]] Result<std::optional<std::string>> meta(std::string_view key);

  Writer* writer_;
  std::map<std::string, StoredAccount> accounts_;                        // by id
  std::map<std::string, std::optional<std::string>, std::less<>> meta_;  // nothing: to be deleted
  std::optional<StoreError> failure_;
};

}  // namespace sluice
