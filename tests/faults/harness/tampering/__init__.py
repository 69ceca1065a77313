"""An application that does nothing but tamper with the process that it is loaded into: see `apps`."""
