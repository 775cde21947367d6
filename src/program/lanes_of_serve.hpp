// The lanes of `tps serve`, and the sessions that they fly on.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "lanes/lane.hpp"
#include "lanes/lane_health.hpp"
#include "ops/metrics.hpp"
#include "ports/cache.hpp"
#include "ports/store.hpp"
#include "program/engine.hpp"
#include "program/settings.hpp"
#include "service/readiness.hpp"

namespace tps {

class LanesOfServe {
 public:
  // `shared_cache`: null for none. `accepted` is called on a lane's thread when transactions were added. Everything
  // given must outlive this object.
  LanesOfServe(const Settings& settings, const Engine& engine, ports::Cache* shared_cache,
               std::function<void()> accepted, ops::Metrics& metrics);

  void stop();  // idempotent

  // The lanes that lead to the store.
  [[nodiscard]] std::vector<service::ServingPart> parts() const;

 private:
  const std::unique_ptr<ports::Store> submit_session_;
  const std::unique_ptr<ports::Store> read_session_;
  const std::unique_ptr<ports::Store> balance_session_;
  const std::unique_ptr<ports::Store> query_session_;
  lanes::LaneHealth submit_health_;
  lanes::LaneHealth read_health_;
  lanes::LaneHealth balance_health_;
  lanes::LaneHealth query_health_;

 public:
  lanes::Lane submit;
  lanes::Lane read;
  lanes::Lane balance;
  lanes::Lane query;
  std::optional<lanes::Lane> cache;
};

}  // namespace tps
