// The one result of detection: parallel arrays with their label space, iterable as typed objects. Nothing else leaves postprocess.
