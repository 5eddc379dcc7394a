#pragma once
// The numbers, addresses and codes of personal_data.h that are known by their form and checks.

#include <vector>

#include "guard/folded.h"
#include "guard/personal_data.h"

namespace shenbi::guard {

/// Adds what is found, in the places of the text as it was; in no order, and parts of one another may be among them.
void find_by_form(const Folded& folded, std::vector<Finding>& out);

}  // namespace shenbi::guard
