#pragma once
// Tests of a server on either side of the store (store/test_postgres.h). PostgreSQL copies the tables that the first
// server of the program made: making them anew takes most of a second.

#include <string>

#include "server/testing.h"
#include "store/test_postgres.h"

namespace shenbi::server::testing {

class OnBothSides : public store::OnBothSides {
 protected:
  std::string database() override {
    return store::TestPostgres::instance().fresh_like(
        [](const std::string& address) { TestServer server({.database = address}); });
  }
};

}  // namespace shenbi::server::testing
