window.commlogQueries = [];
