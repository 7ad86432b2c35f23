pub(crate) fn fail_point() {}
